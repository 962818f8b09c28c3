import { expect, test } from "vitest";
import { DEFAULT_EVICTION } from "../../lib/host-config.js";
import { evictionRules, parsePeriodMs } from "./thresholds.js";

test("the defaults are Kubernetes', and process ids", () => {
  const { thresholds, transitionMs } = evictionRules(DEFAULT_EVICTION);
  expect(thresholds.map(({ signal, least }) => `${signal}<${least.text}`)).toEqual(DEFAULT_EVICTION.hard.split(","));
  expect(thresholds.every(({ graceMs }) => graceMs === 0)).toBe(true);
  expect(transitionMs).toBe(300_000);
});

test("a soft threshold has its grace, and what is to be won back", () => {
  const { thresholds } = evictionRules({
    ...DEFAULT_EVICTION,
    ...{ hard: "", soft: "nodefs.available<20%", softGrace: "nodefs.available=1m30s" },
    minimumReclaim: "nodefs.available=1Gi",
  });
  expect(thresholds).toMatchObject([{ signal: "nodefs.available", graceMs: 90_000 }]);
  expect([thresholds[0]?.least.of(1000), thresholds[0]?.reclaim?.of(1000)]).toEqual([200, 2 ** 30]);
});

// Each is what a hand may get wrong.
const refused = [
  { name: "no such signal", given: { hard: "memory<1Gi" } },
  { name: "the wrong sign", given: { hard: "memory.available>1Gi" } },
  { name: "no amount", given: { hard: "memory.available<lots" } },
  { name: "more than all", given: { hard: "memory.available<101%" } },
  { name: "twice", given: { hard: "memory.available<1%,memory.available<2%" } },
  { name: "soft without a grace", given: { soft: "memory.available<1Gi" } },
  { name: "no period", given: { transition: "5" } },
];
test.each(refused)("refused: $name", ({ given }) => {
  expect(() => evictionRules({ ...DEFAULT_EVICTION, ...given })).toThrow(/--eviction-/);
});

test.each([
  ["90s", 90_000],
  ["1m30s", 90_000],
  ["5m", 300_000],
  ["2h", 7_200_000],
  ["100ms", 100],
  ["0s", 0],
  ["", undefined],
  ["5", undefined],
  ["s", undefined],
])("period %s is %s ms", (text, want) => {
  expect(parsePeriodMs(text)).toBe(want);
});
