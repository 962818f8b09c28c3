import fc from "fast-check";
import { expect, test } from "vitest";
import {
  addUse,
  borrowedBy,
  dominantShare,
  isOwn,
  overdrawnBy,
  type QueueRoom,
  type QueueState,
  roomIn,
} from "./queue-room.js";

interface Parts {
  readonly cohort?: string;
  readonly quota: number;
  readonly used?: number;
  readonly borrowing?: number;
  readonly lending?: number;
}

function queue(name: string, { cohort = "c", quota, used = 0, borrowing, lending }: Parts): QueueState {
  const cpu = (amount: number | undefined) => new Map(amount === undefined ? [] : [["cpu", amount]]);
  return {
    ...{ name, cohort, priority: 0, reclaims: true },
    quota: cpu(quota),
    borrowing: cpu(borrowing),
    lending: cpu(lending),
    used: cpu(used),
  };
}

const cpu = (amount: number) => new Map([["cpu", amount]]);

// Each row probes one side of one bound.
const rows: readonly { name: string; own: Parts; other: Parts; asked: number; want: QueueRoom }[] = [
  { name: "exactly its quota", own: { quota: 10, used: 8 }, other: { quota: 10 }, asked: 2, want: "own" },
  { name: "one beyond, lent", own: { quota: 10, used: 8 }, other: { quota: 10 }, asked: 3, want: "borrowed" },
  { name: "all that is lent", own: { quota: 10, used: 10 }, other: { quota: 10, used: 4 }, asked: 6, want: "borrowed" },
  { name: "more than is left", own: { quota: 10, used: 10 }, other: { quota: 10, used: 4 }, asked: 7, want: "none" },
  { name: "no cohort", own: { cohort: "", quota: 10, used: 8 }, other: { quota: 10 }, asked: 3, want: "none" },
  { name: "its borrowing limit", own: { quota: 10, borrowing: 2 }, other: { quota: 10 }, asked: 12, want: "borrowed" },
  { name: "beyond its limit", own: { quota: 10, borrowing: 2 }, other: { quota: 10 }, asked: 13, want: "none" },
  { name: "what the other lends", own: { quota: 10 }, other: { quota: 10, lending: 3 }, asked: 13, want: "borrowed" },
  { name: "what the other keeps", own: { quota: 10 }, other: { quota: 10, lending: 3 }, asked: 14, want: "none" },
  { name: "its own, which others hold", own: { quota: 10 }, other: { quota: 0, used: 5 }, asked: 6, want: "none" },
  { name: "its own, never lent", own: { quota: 10, lending: 0 }, other: { quota: 0 }, asked: 10, want: "own" },
];

for (const { name, own, other, asked, want } of rows)
  test(`a queue's room: ${name}`, () => {
    const mine = queue("mine", own);
    const cohort = mine.cohort === "" ? [mine] : [mine, queue("other", other)];
    expect(roomIn(mine, cohort, cpu(asked))).toBe(want);
  });

// Each row is a queue that uses more than its quota since something shrank, or just not.
const shrunk: readonly { name: string; own: Parts; other: Parts; want: boolean }[] = [
  { name: "alone, all of its quota", own: { cohort: "", quota: 4, used: 4 }, other: { quota: 0 }, want: false },
  { name: "alone, one beyond", own: { cohort: "", quota: 4, used: 5 }, other: { quota: 9 }, want: true },
  { name: "all that it may borrow", own: { quota: 4, used: 6, borrowing: 2 }, other: { quota: 9 }, want: false },
  { name: "more than it may borrow", own: { quota: 4, used: 7, borrowing: 2 }, other: { quota: 9 }, want: true },
  { name: "all that is lent", own: { quota: 4, used: 6 }, other: { quota: 9, lending: 2 }, want: false },
  { name: "more than is lent", own: { quota: 4, used: 7 }, other: { quota: 9, lending: 2 }, want: true },
  { name: "its own, however much others use", own: { quota: 4, used: 4 }, other: { quota: 0, used: 9 }, want: false },
];

for (const { name, own, other, want } of shrunk)
  test(`a queue uses more than it may: ${name}, ${want}`, () => {
    const mine = queue("mine", own);
    const cohort = mine.cohort === "" ? [mine] : [mine, queue("other", other)];
    expect(overdrawnBy(mine, cohort)).toEqual(want ? ["cpu"] : []);
  });

test("the dominant share is that of the scarcest resource, with what is asked for", () => {
  const state = {
    ...queue("q", { quota: 10, used: 1 }),
    quota: new Map([
      ["cpu", 10],
      ["memory", 4],
    ]),
  };
  expect(
    dominantShare(
      state,
      new Map([
        ["cpu", 1],
        ["memory", 2],
      ]),
    ),
  ).toBe(0.5);
});

const parts = fc.record({
  quota: fc.nat({ max: 10 }),
  borrowing: fc.option(fc.nat({ max: 5 }), { nil: undefined }),
  lending: fc.option(fc.nat({ max: 10 }), { nil: undefined }),
});

test("whoever is let in, and whenever: a cohort never uses more than its quotas, and nobody more than he may borrow", () => {
  fc.assert(
    fc.property(
      fc.array(parts, { minLength: 1, maxLength: 4 }),
      fc.array(fc.record({ at: fc.nat({ max: 3 }), asked: fc.integer({ min: 1, max: 6 }) }), { maxLength: 40 }),
      (all, comings) => {
        const cohort = all.map((each, at) => queue(`q${at}`, each));
        for (const { at, asked } of comings) {
          const one = cohort[at % cohort.length];
          if (one === undefined || roomIn(one, cohort, cpu(asked)) === "none") continue;
          expect(roomIn(one, cohort, cpu(asked)) === "own").toBe(isOwn(one, cpu(asked)));
          addUse(one, cpu(asked), 1);
        }
        const sum = (amounts: (each: QueueState) => number): number =>
          cohort.reduce((total, each) => total + amounts(each), 0);
        expect(sum(({ used }) => used.get("cpu") ?? 0)).toBeLessThanOrEqual(sum(({ quota }) => quota.get("cpu") ?? 0));
        for (const each of cohort) {
          const most = (each.quota.get("cpu") ?? 0) + (each.borrowing.get("cpu") ?? Number.POSITIVE_INFINITY);
          expect(each.used.get("cpu") ?? 0).toBeLessThanOrEqual(most);
          expect(borrowedBy(each)).toEqual((each.used.get("cpu") ?? 0) > (each.quota.get("cpu") ?? 0) ? ["cpu"] : []);
        }
      },
    ),
    { seed: 11, numRuns: 1_000 },
  );
});
