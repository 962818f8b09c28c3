import { expect, test } from "vitest";
import { rfc3339 } from "../../../lib/clock.js";
import { Pod } from "../../../proto/gen/tallship/v1/pod.js";
import type { Measures } from "./pod-groups.js";
import {
  type Count,
  countByAverage,
  countByShare,
  countByUtilization,
  countByValue,
  type Measured,
} from "./replica-count.js";

const NOW_MS = Date.parse("2026-01-01T12:00:00Z");
const tolerance = { up: 0.1, down: 0.1 };

/** What a pod is: ready for an hour; ready for seconds; waiting for a node; without a measure; or on its way out. */
type Kind = "ready" | "starting" | "pending" | "missing" | "deleting";

function pod(kind: Kind, at: number): Pod {
  const sinceMs = kind === "starting" ? NOW_MS - 10_000 : NOW_MS - 3_600_000;
  const time = rfc3339(sinceMs);
  return Pod.fromPartial({
    metadata: { name: `p${at}`, deletionTimestamp: kind === "deleting" ? time : "" },
    status: {
      phase: kind === "pending" ? "Pending" : "Running",
      startTime: time,
      conditions: [{ type: "Ready", status: kind === "starting" ? "False" : "True", lastTransitionTime: time }],
    },
  });
}

function measured(kinds: readonly Kind[], values: readonly number[], currentReplicas = kinds.length): Measured {
  const pods = kinds.map(pod);
  const measures: Measures = new Map(
    kinds.flatMap((kind, at) =>
      kind === "missing" || kind === "pending"
        ? []
        : [[`p${at}`, { value: values[at] ?? 0, atMs: NOW_MS - 1_000, windowMs: 15_000 }] as const],
    ),
  );
  return { currentReplicas, pods, measures, tolerance, isCpu: true, nowMs: NOW_MS };
}

const ready = (count: number): readonly Kind[] => Array.from({ length: count }, () => "ready");
const replicasOf = (count: Count): number | string => (count.is === "count" ? count.replicas : count.why);

// Requests are 1,000 each. Names follow Kubernetes' own tests and the page on the algorithm.
const rows: readonly {
  name: string;
  kinds: readonly Kind[];
  values: readonly number[];
  target: number;
  want: number;
}[] = [
  { name: "twice the target doubles", kinds: ready(1), values: [2000], target: 100, want: 2 },
  { name: "half the target halves", kinds: ready(2), values: [500, 500], target: 100, want: 1 },
  { name: "three pods at 30, 50 and 70 % of 30 %", kinds: ready(3), values: [300, 500, 700], target: 30, want: 5 },
  { name: "a ratio within a tenth changes nothing", kinds: ready(3), values: [1010, 1030, 1020], target: 100, want: 3 },
  { name: "just beyond a tenth", kinds: ready(3), values: [1110, 1110, 1110], target: 100, want: 4 },
  { name: "five pods at a tenth", kinds: ready(5), values: [100, 300, 500, 250, 250], target: 50, want: 3 },
  {
    name: "starting pods count as idle where more are asked for",
    kinds: ["ready", "starting", "starting"],
    values: [900, 900, 900],
    target: 30,
    want: 3,
  },
  {
    name: "waiting pods count as idle where more are asked for",
    kinds: ["ready", "ready", "pending"],
    values: [900, 900],
    target: 30,
    want: 6,
  },
  {
    name: "starting pods do not count where fewer are asked for",
    kinds: ["ready", "ready", "starting"],
    values: [100, 100, 1000],
    target: 50,
    want: 1,
  },
  {
    name: "pods without a measure count as busy where fewer are asked for",
    kinds: ["ready", "ready", "missing"],
    values: [300, 300],
    target: 100,
    want: 2,
  },
  {
    name: "and keep the number when that turns it round",
    kinds: ["ready", "missing", "missing"],
    values: [400],
    target: 50,
    want: 3,
  },
  {
    name: "pods without a measure count as idle where more are asked for",
    kinds: ["ready", "missing", "missing"],
    values: [1000],
    target: 50,
    want: 3,
  },
  {
    name: "pods on their way out do not count",
    kinds: ["ready", "ready", "deleting"],
    values: [1000, 1000, 5000],
    target: 50,
    want: 4,
  },
];

for (const { name, kinds, values, target, want } of rows)
  test(`by utilization: ${name}`, () => {
    const requests = new Map(kinds.map((_kind, at) => [`p${at}`, 1000]));
    expect(replicasOf(countByUtilization(measured(kinds, values), requests, target))).toBe(want);
  });

test("the utilization that is shown is a whole percentage, the average a whole number", () => {
  const requests = new Map([
    ["p0", 300],
    ["p1", 300],
  ]);
  expect(countByUtilization(measured(ready(2), [100, 101]), requests, 50)).toEqual({
    is: "count",
    replicas: 2,
    average: 100,
    utilization: 33,
  });
});

test("nobody who is measured leaves the number as it is, and says why", () => {
  const why = "did not receive metrics for targeted pods (pods might be unready)";
  expect(replicasOf(countByAverage(measured(["pending", "starting"], [0, 9]), 100))).toBe(why);
});

test("by average: 10 pods with 20 requests each where 10 are wanted are doubled", () => {
  expect(replicasOf(countByAverage({ ...measured(ready(10), Array(10).fill(20_000)), isCpu: false }, 10_000))).toBe(20);
});

// A value that belongs to no pod: as a whole by the ready pods, or shared out; from none the ratio alone counts.
test("by value and by share", () => {
  const at = (currentReplicas: number, readyCount = currentReplicas) => ({ currentReplicas, readyCount, tolerance });
  expect(countByValue(20, 10, at(3))).toBe(6);
  expect(countByValue(20, 10, at(3, 2))).toBe(4);
  expect(countByValue(10.5, 10, at(3))).toBe(3);
  expect(countByValue(25, 10, at(0))).toBe(3);
  expect(countByValue(0, 10, at(3))).toBe(0);
  expect(countByShare(100, 10, 3, tolerance)).toBe(10);
  expect(countByShare(31, 10, 3, tolerance)).toBe(3);
  expect(countByShare(1, 10, 0, tolerance)).toBe(1);
  expect(countByShare(0, 10, 2, tolerance)).toBe(0);
});
