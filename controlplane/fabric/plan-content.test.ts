import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { emptyBitmap, hasBit, setBit } from "../../lib/bitmap.js";
import { type ContentState, planContent, type Seeker } from "./plan-content.js";

const LIMITS = { peers: 3, grants: 2, grantsAlone: 8 };

function bits(count: number, ...set: readonly number[]): Uint8Array {
  const bitmap = emptyBitmap(count);
  for (const at of set) setBit(bitmap, at);
  return bitmap;
}

const seeker = (name: string, rest: Partial<Seeker> = {}): Seeker => ({
  ...{ name, pieces: bits(10), granted: new Set<number>(), grantedCount: 0, hasRegistry: true },
  ...rest,
});
const state = (rest: Partial<ContentState>): ContentState => ({ pieceCount: 10, holders: [], seekers: [], ...rest });
const plan = (of: Partial<ContentState>) => planContent(state(of), LIMITS);

describe("who asks the registry for what", () => {
  const rows: readonly (readonly [string, Partial<ContentState>, Readonly<Record<string, readonly number[]>>])[] = [
    ["one alone begins with few pieces, for others may come", { seekers: [seeker("a")] }, { a: [0, 1] }],
    [
      "one that stayed alone reads in long runs",
      { seekers: [seeker("a", { pieces: bits(10, 0, 1, 2, 3), grantedCount: 4 })] },
      { a: [4, 5, 6, 7] },
    ],
    ["two begin at different places", { seekers: [seeker("a"), seeker("b")] }, { a: [0, 1], b: [5, 6] }],
    [
      "what one node has, no other asks for",
      { seekers: [seeker("a", { pieces: bits(10, 0, 5) }), seeker("b")] },
      { a: [1, 2], b: [6, 7] },
    ],
    [
      "what is granted stays granted",
      { seekers: [seeker("a", { granted: new Set([7]) }), seeker("b")] },
      { a: [7, 8], b: [5, 6] },
    ],
    ["nobody while a node holds it all", { holders: ["z"], seekers: [seeker("a")] }, { a: [] }],
    [
      "not the one that has no registry",
      { seekers: [seeker("a", { hasRegistry: false }), seeker("b")] },
      { a: [], b: [0, 1] },
    ],
    [
      "nothing more when every piece is somewhere",
      { seekers: [seeker("a", { pieces: bits(10, 0, 1, 2, 3, 4) }), seeker("b", { pieces: bits(10, 5, 6, 7, 8, 9) })] },
      { a: [], b: [] },
    ],
  ];
  test.each(rows)("%s", (_, of, want) => {
    expect(Object.fromEntries(plan(of).map(({ name, granted }) => [name, granted]))).toEqual(want);
  });

  test("no piece is ever granted twice, and while pieces are missing somebody is at work", () => {
    const piece = fc.integer({ min: 0, max: 9 });
    const one = fc.record({ has: fc.array(piece), granted: piece, able: fc.boolean() });
    fc.assert(
      fc.property(fc.array(one, { minLength: 1, maxLength: 6 }), (all) => {
        const free = new Set(all.map(({ granted }) => granted));
        const seekers = all.map(({ has, granted, able }, at) => {
          const granting = able && free.delete(granted) && !has.includes(granted) ? [granted] : [];
          return seeker(`n${at}`, { pieces: bits(10, ...has), granted: new Set(granting), hasRegistry: able });
        });
        const plans = plan({ seekers });
        const granted = plans.flatMap((each) => each.granted);
        expect(new Set(granted).size).toBe(granted.length);
        const isMissing = [...Array(10).keys()].some((at) => !seekers.some(({ pieces }) => hasBit(pieces, at)));
        if (isMissing && seekers.some(({ hasRegistry }) => hasRegistry)) expect(granted.length).toBeGreaterThan(0);
      }),
    );
  });
});

describe("who gets it from whom", () => {
  test("holders first, each beginning at another, then those that have something, never oneself", () => {
    const seekers = [seeker("a", { pieces: bits(10, 1) }), seeker("b", { pieces: bits(10, 2) }), seeker("c")];
    expect(plan({ holders: ["y", "z"], seekers }).map(({ peers }) => peers)).toEqual([
      ["y", "z", "b"],
      ["z", "y", "a"],
      ["y", "z", "a"],
    ]);
  });

  test("nobody has it and nobody can ask: that is said", () => {
    const alone = seeker("a", { hasRegistry: false });
    expect(plan({ seekers: [alone] })[0]?.isNowhere).toBe(true);
    expect(plan({ holders: ["z"], seekers: [alone] })[0]?.isNowhere).toBe(false);
    expect(plan({ seekers: [alone, seeker("b")] })[0]?.isNowhere).toBe(false);
  });
});
