import fc from "fast-check";
import { expect, test } from "vitest";
import { type CgroupLimits, limitPlanV1, limitPlanV2, type Setting } from "./limit-plan.js";

const words = (plan: readonly Setting[]): readonly string[] => plan.map(({ file, value }) => `${file} ${value}`);
const cpu = { shares: 1024, quota: 50_000, period: 100_000 };
const whole: CgroupLimits = { cpu, memory: { limit: 64, swap: 64 } };
const none: CgroupLimits = { cpu: { shares: 2 } };

// The kernel's documentation of version 2: memory.max and memory.swap.max are bytes or max, cpu.weight is 1 to 10000, cpu.max is $MAX $PERIOD.
const v2 = [
  {
    name: "limits",
    limits: whole,
    countsSwap: true,
    want: ["memory.max 64", "memory.swap.max 0", "cpu.weight 39", "cpu.max 50000 100000"],
  },
  {
    name: "none",
    limits: none,
    countsSwap: true,
    want: ["memory.max max", "memory.swap.max max", "cpu.weight 1", "cpu.max max 100000"],
  },
  {
    name: "the most shares, and a kernel without swap",
    limits: { cpu: { shares: 262_144 }, memory: { limit: 64 } },
    countsSwap: false,
    want: ["memory.max 64", "cpu.weight 10000", "cpu.max max 100000"],
  },
];

for (const { name, limits, countsSwap, want } of v2) {
  test(`version 2: ${name}`, () => expect(words(limitPlanV2(limits, { countsSwap }))).toEqual(want));
}

const rest = ["cpu.shares 1024", "cpu.cfs_period_us 100000", "cpu.cfs_quota_us 50000"];
const [memory, both] = ["memory.limit_in_bytes", "memory.memsw.limit_in_bytes"];

// Whatever is written, memory alone never has more than memory and swap together: the kernel refuses that.
const v1 = [
  { name: "more", limits: whole, from: 32, want: [`${both} 64`, `${memory} 64`, ...rest] },
  { name: "less", limits: whole, from: 128, want: [`${memory} 64`, `${both} 64`, ...rest] },
  {
    name: "none any more",
    limits: { cpu },
    from: 128,
    want: [`${both} -1`, `${memory} -1`, ...rest],
  },
];

for (const { name, limits, from, want } of v1) {
  test(`version 1: ${name}`, () =>
    expect(words(limitPlanV1(limits, { limitBytes: from, countsSwap: true }))).toEqual(want));
}

test("version 1 without swap: only what is there is written", () =>
  expect(words(limitPlanV1(whole, { limitBytes: 32, countsSwap: false }))).toEqual([`${memory} 64`, ...rest]));

/** Writes settings as the kernel takes them: -1 is as much as there can be, and memory alone is never more than both together. */
function written(group: ReadonlyMap<string, number>, plan: readonly Setting[]): ReadonlyMap<string, number> {
  const next = new Map(group);
  for (const { file, value } of plan) {
    next.set(file, Number(value) < 0 ? Number.POSITIVE_INFINITY : Number(value));
    expect(next.get(memory)).toBeLessThanOrEqual(next.get(both) ?? 0);
  }
  return next;
}

test("version 1: whatever the limits were, and wherever a change was broken off, the next one ends it and nothing is refused", () => {
  const amount = fc.option(fc.integer({ min: 1, max: 1000 }), { nil: undefined });
  const step = fc.record({ amount, shares: fc.integer({ min: 2, max: 1024 }), writtenCount: fc.nat(5) });
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 8 }), (steps) => {
      const unlimited = Number.POSITIVE_INFINITY;
      let group: ReadonlyMap<string, number> = new Map([
        [memory, unlimited],
        [both, unlimited],
      ]);
      const planOf = ({ amount: limit, shares }: (typeof steps)[number]): readonly Setting[] => {
        const now = { limitBytes: group.get(memory) ?? 0, countsSwap: true };
        return limitPlanV1(
          { cpu: { shares }, ...(limit === undefined ? {} : { memory: { limit, swap: limit } }) },
          now,
        );
      };
      for (const each of steps) group = written(group, planOf(each).slice(0, each.writtenCount));
      const last = steps.at(-1) ?? { amount: undefined, shares: 2, writtenCount: 5 };
      group = written(group, planOf(last));
      expect([group.get(memory), group.get(both)]).toEqual([last.amount ?? unlimited, last.amount ?? unlimited]);
      expect(group.get("cpu.shares")).toBe(last.shares);
    }),
  );
});
