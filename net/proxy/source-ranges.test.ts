import { expect, test } from "vitest";
import { sourceRanges } from "./source-ranges.js";

// What a service names, and what the map of ranges holds; undefined: everybody.
const rows: readonly (readonly [readonly string[], readonly string[] | undefined])[] = [
  [[], undefined],
  [["192.0.2.0/24"], ["192.0.2.0/24"]],
  [["192.0.2.7/24"], ["192.0.2.0/24"]],
  [["192.0.2.7/32"], ["192.0.2.7"]],
  [
    ["198.51.100.0/25", "192.0.2.128/25", "192.0.2.0/24", "198.51.100.0/24"],
    ["192.0.2.0/24", "198.51.100.0/24"],
  ],
  [
    ["192.0.2.0/25", "192.0.2.128/25"],
    ["192.0.2.0/25", "192.0.2.128/25"],
  ],
  [["192.0.2.0/24", "0.0.0.0/0"], undefined],
  [["2001:db8::/32"], []],
];
for (const [given, want] of rows) {
  test(`${JSON.stringify(given)} lets in ${want === undefined ? "everybody" : JSON.stringify(want)}`, () => {
    expect(sourceRanges(given)).toEqual(want);
  });
}
