import fc from "fast-check";
import { expect, test } from "vitest";
import { diffLines, hunksOf } from "./line-diff.js";

const SIGNS = { same: " ", removed: "-", added: "+" };
const shown = (before: string, after: string): string =>
  diffLines([...before], [...after])
    .map(({ is, text }) => SIGNS[is] + text)
    .join("");

test.each([
  ["abc", "abc", " a b c"],
  ["abc", "axc", " a-b+x c"],
  ["", "ab", "+a+b"],
  ["ab", "", "-a-b"],
  ["abcabba", "cbabac", "-a-b c+b a b-b a+c"],
])("from %s to %s it is %s", (before, after, want) => {
  expect(shown(before, after)).toBe(want);
});

test("a comparison holds both texts whole, and is no longer than it must be", () => {
  const texts = fc.array(fc.constantFrom("a", "b", "c"), { maxLength: 12 });
  fc.assert(
    fc.property(texts, texts, (before, after) => {
      const lines = diffLines(before, after);
      expect(lines.filter(({ is }) => is !== "added").map(({ text }) => text)).toEqual(before);
      expect(lines.filter(({ is }) => is !== "removed").map(({ text }) => text)).toEqual(after);
      expect(lines.filter(({ is }) => is === "same")).toHaveLength(longestCommon(before, after));
    }),
  );
});

/** Length of the longest common subsequence, the slow and plain way. */
function longestCommon(left: readonly string[], right: readonly string[]): number {
  let last = new Array<number>(right.length + 1).fill(0);
  for (const one of left) {
    const row = [0];
    for (const [at, other] of right.entries())
      row.push(one === other ? (last[at] ?? 0) + 1 : Math.max(last[at + 1] ?? 0, row[at] ?? 0));
    last = row;
  }
  return last.at(-1) ?? 0;
}

test("very different texts are replaced, in bounded time", () => {
  const numbers = (from: number): string[] => Array.from({ length: 20_000 }, (_, at) => String(from + at));
  expect(diffLines(numbers(0), numbers(100_000))).toHaveLength(40_000);
});

test("hunks keep three lines around changes and join when they touch", () => {
  const before = [..."abcdefghijklmnopqrstuvwxyz"];
  const after = before.map((line) => ("ehz".includes(line) ? line.toUpperCase() : line));
  const hunks = hunksOf(diffLines(before, after), 3);
  expect(hunks.map(({ before: own, after: other }) => [own, other])).toEqual([
    [
      { first: 2, count: 10 },
      { first: 2, count: 10 },
    ],
    [
      { first: 23, count: 4 },
      { first: 23, count: 4 },
    ],
  ]);
  expect(hunksOf(diffLines([], ["a"]), 3)[0]).toMatchObject({
    before: { first: 0, count: 0 },
    after: { first: 1, count: 1 },
  });
});
