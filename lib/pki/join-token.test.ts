import { expect, test } from "vitest";
import { formatJoinToken, parseJoinToken } from "./join-token.js";

const token = {
  pin: "aB-_9",
  id: "k2",
  secret: "s3cr3t",
  addresses: ["10.0.0.1:7444", "[fd00::1]:7444", "cp.example:7444"],
};

test("a token reads back as it was made, also with the white space of a terminal around it", () => {
  expect(parseJoinToken(`  ${formatJoinToken(token)}\n`)).toEqual(token);
});

// What people do to tokens: cut them, paste half, use one of something else.
test.each([
  ["", /does not begin/],
  ["K10abc::server:123", /does not begin/],
  ["TSJ1.a.b.c", /five parts/],
  ["TSJ1.a.b..d", /five parts/],
  [`${formatJoinToken(token)}.more`, /five parts/],
  [formatJoinToken(token).slice(0, -9), /cut off/],
  ["TSJ1.a.b.c.!!!", /five parts/],
])("%j is refused, and the message does not hold it", (text, want) => {
  expect(() => parseJoinToken(text)).toThrow(want);
  expect(() => parseJoinToken(text)).not.toThrow(/s3cr3t/);
});
