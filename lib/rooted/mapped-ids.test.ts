import { expect, test } from "vitest";
import { ownInside, ownOutside } from "./mapped-ids.js";

const ids = { first: 1_000_000, count: 65_536 };

// Both ends of the range, both sides of them, and no range at all.
const rows = [
  { inside: 0, outside: 1_000_000 },
  { inside: 65_535, outside: 1_065_535 },
];

for (const { inside, outside } of rows) {
  test(`id ${inside} in the namespace is ${outside} outside`, () => {
    expect(ownOutside(inside, ids)).toBe(outside);
    expect(ownInside(outside, ids)).toBe(inside);
  });
}

test("an id that the namespace lacks is its nobody; an owner of none of its ids stays", () => {
  expect(ownOutside(65_536, ids)).toBe(1_065_534);
  expect([ownInside(999_999, ids), ownInside(1_065_536, ids), ownInside(0, ids)]).toEqual([999_999, 1_065_536, 0]);
  expect([ownOutside(7, undefined), ownInside(7, undefined)]).toEqual([7, 7]);
});
