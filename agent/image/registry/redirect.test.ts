import { expect, test } from "vitest";
import { redirectStep } from "./redirect.js";

const from = new URL("https://reg.example/v2/a/blobs/x");

// Only the very same scheme, host and port keeps the credentials.
const rows: readonly (readonly [location: string | undefined, want: string])[] = [
  ["/v2/b", "follow with"],
  ["https://reg.example/other", "follow with"],
  ["https://reg.example:443/other", "follow with"],
  ["https://reg.example:8443/other", "follow without"],
  ["https://sub.reg.example/other", "follow without"],
  ["https://storage.example/signed?x=1", "follow without"],
  ["//storage.example/x", "follow without"],
  ["http://reg.example/v2/b", "refuse from https to http"],
  ["file:///etc/passwd", "refuse to file:"],
  ["https://ann:pw@storage.example/", "refuse to an address with credentials"],
  [undefined, "refuse without a location"],
  ["https://[", "refuse without a location"],
];

for (const [location, want] of rows) {
  test(`a redirect to ${location}: ${want}`, () => {
    const step = redirectStep(from, location, 0);
    const found =
      step.is === "refuse" ? `refuse ${step.why}` : `follow ${step.keepsAuthorization ? "with" : "without"}`;
    expect(found).toBe(want);
  });
}

test("the sixth redirect is refused", () => {
  expect(redirectStep(from, "/x", 4).is).toBe("follow");
  expect(redirectStep(from, "/x", 5)).toEqual({ is: "refuse", why: "more than 5 times" });
});
