import { expect, test } from "vitest";
import { composePrefix } from "./logs.js";

const rows = [
  { log: "pod/web-x7-abc/web", want: "web-x7-abc  | " },
  { log: "pod/vpn-x7-abc/fetch", want: "vpn-x7-abc/fetch  | " },
];

test.each(rows)("lines of $log begin as compose has them", ({ log, want }) => {
  expect(composePrefix(log)).toBe(want);
});
