import { expect, test } from "vitest";
import { ChangeHistory } from "./change-history.js";
import type { CacheBatch } from "./view.js";

function batch(...revisions: readonly number[]): CacheBatch {
  const key = { kind: "Pod", namespace: "a", name: "x" } as const;
  const changes = revisions.map((revision) => ({ key, before: undefined, after: undefined, revision }));
  return { changes, revision: revisions.at(-1) ?? 0 };
}

const revisionsOf = (batches: readonly CacheBatch[] | undefined): readonly number[] | undefined =>
  batches?.flatMap(({ changes }) => changes.map(({ revision }) => revision));

// Floor 10, capacity 5: each row asks at one side of a boundary.
const rows = [
  { name: "at the floor, everything is there", push: [batch(11, 12), batch(14)], after: 10, want: [11, 12, 14] },
  { name: "before the floor, it is lost", push: [batch(11)], after: 9, want: undefined },
  { name: "within a batch, its first part is left out", push: [batch(11, 12, 13)], after: 12, want: [13] },
  { name: "at the last revision, nothing follows", push: [batch(11), batch(14)], after: 14, want: [] },
  { name: "beyond the last revision, nothing follows", push: [batch(11)], after: 99, want: [] },
  {
    name: "at capacity, nothing is forgotten",
    push: [batch(11, 12), batch(13, 14, 15)],
    after: 10,
    want: [11, 12, 13, 14, 15],
  },
  {
    name: "over capacity, the oldest batch is forgotten",
    push: [batch(11, 12), batch(13, 14, 15, 16)],
    after: 11,
    want: undefined,
  },
  {
    name: "over capacity, what is kept can be resumed",
    push: [batch(11, 12), batch(13, 14, 15, 16)],
    after: 12,
    want: [13, 14, 15, 16],
  },
  { name: "one batch over capacity leaves nothing", push: [batch(11, 12, 13, 14, 15, 16)], after: 15, want: undefined },
  { name: "and its end is known", push: [batch(11, 12, 13, 14, 15, 16)], after: 16, want: [] },
];

for (const { name, push, after, want } of rows) {
  test(`history: ${name}`, () => {
    const history = new ChangeHistory(5, 10);
    for (const one of push) history.push(one);
    expect(revisionsOf(history.after(after))).toEqual(want);
  });
}

test("history stays bounded over many batches", () => {
  const history = new ChangeHistory(100, 0);
  for (let revision = 1; revision <= 5_000; revision += 1) history.push(batch(revision));
  expect(revisionsOf(history.after(4_900))).toHaveLength(100);
  expect(history.after(4_899)).toBeUndefined();
});

test("a repair is for everyone who has seen no later revision, the very same one included", () => {
  const history = new ChangeHistory(100, 10);
  history.push(batch(11, 12));
  history.pushRepair(batch(12));
  history.push(batch(13));
  expect(revisionsOf(history.after(11))).toEqual([12, 12, 13]);
  expect(revisionsOf(history.after(12))).toEqual([12, 13]);
  expect(revisionsOf(history.after(13))).toEqual([]);
});
