import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Rules, type Slot, stepsOf } from "./steps.js";

const ordered: Rules = { isOrdered: true, updateFrom: 0, maxUnavailable: 1 };
const parallel: Rules = { ...ordered, isOrdered: false };

/**
 * Slots from a line: one word per number from 0; after "|" those that are not wanted. "-" nothing, "ok" healthy, "up" not ready yet, "new" healthy since a moment, "old" healthy of an
 * old template, "bad" stuck of an old template, "end" being deleted, "fin" finished, "other" somebody else's.
 */
function slots(line: string): readonly Slot[] {
  const [wanted = "", surplus = ""] = line.split("|");
  const words = (text: string): readonly string[] => text.split(" ").filter((word) => word !== "");
  return [...words(wanted), ...words(surplus)].map((word, ordinal) => ({
    ordinal,
    isWanted: ordinal < words(wanted).length,
    pod: ({ "-": "absent", end: "terminating", fin: "finished", other: "foreign" } as const)[word] ?? "live",
    isHealthy: word === "ok" || word === "old" || word === "new",
    isSteady: word === "ok" || word === "old",
    isStuck: word === "bad",
    isUpdated: word !== "old" && word !== "bad",
  }));
}

describe("steps", () => {
  const rows: readonly {
    readonly name: string;
    readonly line: string;
    readonly rules?: Partial<Rules>;
    readonly create?: readonly number[];
    readonly remove?: readonly number[];
  }[] = [
    { name: "the first comes alone", line: "- - -", create: [0] },
    { name: "the next waits for the one before", line: "up - -" },
    { name: "and comes once that is healthy", line: "ok - -", create: [1] },
    { name: "all at once", line: "- - -", rules: parallel, create: [0, 1, 2] },
    { name: "a gap is filled before more are made", line: "ok - ok -", create: [1] },
    { name: "a name is free once its pod is gone", line: "ok end -" },
    { name: "also when nobody waits", line: "ok end -", rules: parallel, create: [2] },
    { name: "a name that is somebody else's", line: "other -" },
    { name: "a finished pod is made anew", line: "fin -", remove: [0] },
    { name: "the highest goes first, alone", line: "ok | ok ok", remove: [2] },
    { name: "the next goes once that is gone", line: "ok | ok end" },
    { name: "no one goes while one that stays is not healthy", line: "up | ok ok" },
    { name: "the highest waits for one below it", line: "ok | up up" },
    { name: "but what is sick alone goes", line: "ok | ok up", remove: [2] },
    { name: "all go at once", line: "ok | ok up", rules: parallel, remove: [1, 2] },
    { name: "an update starts at the highest", line: "old old old", remove: [2] },
    { name: "it waits for what it made", line: "old old up" },
    { name: "and goes on", line: "old old ok", remove: [1] },
    { name: "but not for one that may be about to end", line: "old old new" },
    {
      name: "nor beyond what may be missing, which that is",
      line: "old old new",
      rules: { maxUnavailable: 2 },
      remove: [1],
    },
    { name: "while pods are made as soon as the one before is healthy", line: "new - -", create: [1] },
    { name: "and removed", line: "new new | new", remove: [2] },
    { name: "down to the partition", line: "old old ok", rules: { updateFrom: 2 } },
    { name: "not before the surplus is gone", line: "old old | ok", remove: [2] },
    { name: "two at a time", line: "old old old", rules: { maxUnavailable: 2 }, remove: [2, 1] },
    { name: "what is missing counts", line: "old old up", rules: { maxUnavailable: 2, isOrdered: false }, remove: [1] },
    { name: "by hand only", line: "old old old", rules: { updateFrom: undefined } },
    { name: "a broken template is mended", line: "bad - -", remove: [0] },
    { name: "in the middle of an update too", line: "old bad ok", remove: [1] },
    { name: "but not below the partition", line: "bad - -", rules: { updateFrom: 1 } },
  ];
  test.each(rows)("$name: $line", ({ line, rules = {}, create = [], remove = [] }) => {
    expect(stepsOf(slots(line), { ...ordered, ...rules })).toEqual({ create, remove });
  });
});

const word = fc.constantFrom("-", "ok", "up", "new", "old", "bad", "end", "fin", "other");
// A number that is not wanted is only there because of its pod.
const surplus = word.filter((each) => each !== "-" && each !== "other");
const line = fc
  .tuple(fc.array(word, { maxLength: 6 }), fc.array(surplus, { maxLength: 4 }))
  .map(([wanted, surplus]) => `${wanted.join(" ")} | ${surplus.join(" ")}`);

test("in order, whatever stands there: one is made at most, and only above healthy ones; one that is healthy goes at most, within what may be missing", () => {
  fc.assert(
    fc.property(line, fc.nat({ max: 3 }), (text, updateFrom) => {
      const all = slots(text);
      const { create, remove } = stepsOf(all, { ...ordered, updateFrom });
      expect(create.length).toBeLessThanOrEqual(1);
      const [made] = create;
      for (const slot of all) {
        if (made !== undefined && slot.ordinal < made) expect(slot.isHealthy).toBe(true);
        if (create.includes(slot.ordinal)) expect(slot).toMatchObject({ pod: "absent", isWanted: true });
        if (remove.includes(slot.ordinal)) expect(["live", "finished"]).toContain(slot.pod);
      }
      const healthy = all.filter(({ ordinal, isHealthy }) => remove.includes(ordinal) && isHealthy);
      expect(healthy.length).toBeLessThanOrEqual(1);
      const sick = all.filter(({ isWanted, isHealthy }) => isWanted && !isHealthy);
      if (healthy.length === 1) expect(sick.length).toBe(0);
    }),
    { seed: 3, numRuns: 2_000 },
  );
});
