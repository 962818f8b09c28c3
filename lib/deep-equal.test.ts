import { expect, test } from "vitest";
import { deepEqual } from "./deep-equal.js";

// Each row is a pair that a shallow or textual comparison gets wrong.
const rows: readonly {
  readonly name: string;
  readonly left: unknown;
  readonly right: unknown;
  readonly want: boolean;
}[] = [
  { name: "maps in another order", left: { a: "1", b: "2" }, right: { b: "2", a: "1" }, want: true },
  { name: "a field undefined and one absent", left: { a: 1, b: undefined }, right: { a: 1 }, want: true },
  { name: "a field undefined and another present", left: { a: undefined }, right: { b: 1 }, want: false },
  { name: "lists in another order", left: [1, 2], right: [2, 1], want: false },
  { name: "a list and a map with its indexes", left: ["x"], right: { 0: "x" }, want: false },
  {
    name: "a Buffer and a Uint8Array of the same bytes",
    left: Buffer.from("ab"),
    right: Uint8Array.of(97, 98),
    want: true,
  },
  { name: "bytes that differ", left: Buffer.from("ab"), right: Buffer.from("ac"), want: false },
  { name: "bytes and a list", left: Uint8Array.of(1), right: [1], want: false },
  { name: "null and an empty map", left: null, right: {}, want: false },
  { name: "a key named like a method of objects", left: { toString: "x" }, right: {}, want: false },
];

for (const { name, left, right, want } of rows) {
  test(`deepEqual: ${name} are ${want ? "equal" : "different"}`, () => {
    expect(deepEqual(left, right)).toBe(want);
    expect(deepEqual(right, left)).toBe(want);
  });
}
