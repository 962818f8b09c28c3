import { expect, test } from "vitest";
import { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { refusalUnderPressure } from "./refusal.js";
import type { PressureCondition } from "./thresholds.js";

type Parts = Parameters<typeof Pod.fromPartial>[0];

const pod = (spec: NonNullable<Parts["spec"]> = {}, more: Parts = {}): Pod =>
  Pod.fromPartial({ spec: { containers: [{ name: "web", image: "x" }], ...spec }, ...more });
const asking = { containers: [{ name: "web", image: "x", resources: { requests: { memory: "1Mi" } } }] };
const bears = { key: "node.kubernetes.io/memory-pressure", operator: "Exists", effect: "NoSchedule" };

// Each row: a pod that comes to a node which lacks this.
const rows: readonly {
  readonly name: string;
  readonly pod: Pod;
  readonly lacks: readonly PressureCondition[];
  readonly isRefused: boolean;
}[] = [
  { name: "a node that lacks nothing", pod: pod(), lacks: [], isRefused: false },
  { name: "no memory for who asks for none", pod: pod(), lacks: ["MemoryPressure"], isRefused: true },
  { name: "who asks for some has it reserved", pod: pod(asking), lacks: ["MemoryPressure"], isRefused: false },
  {
    name: "who says that it bears it",
    pod: pod({ tolerations: [bears] }),
    lacks: ["MemoryPressure"],
    isRefused: false,
  },
  {
    name: "bearing one thing is not bearing another",
    pod: pod({ tolerations: [bears] }),
    ...{ lacks: ["MemoryPressure", "DiskPressure"], isRefused: true },
  },
  { name: "a full disk is full for all", pod: pod(asking), lacks: ["DiskPressure"], isRefused: true },
  { name: "so are process ids", pod: pod(asking), lacks: ["PIDPressure"], isRefused: true },
  {
    name: "a pod that the cluster cannot do without",
    pod: pod({ priority: 2_000_000_000 }),
    ...{ lacks: ["DiskPressure"], isRefused: false },
  },
  {
    name: "one that has begun",
    pod: pod({}, { status: { phase: "Running" } }),
    ...{ lacks: ["DiskPressure"], isRefused: false },
  },
  {
    name: "one that has ended",
    pod: pod({}, { status: { phase: "Succeeded" } }),
    ...{ lacks: ["DiskPressure"], isRefused: false },
  },
];

test.each(rows)("refused under pressure: $name", ({ pod: one, lacks, isRefused }) => {
  const conditions = lacks.map((type) => ({ type, status: "True", reason: "", message: "" }));
  const message = `Pod was rejected: The node had condition: [${[...lacks].sort().join(" ")}]. `;
  expect(refusalUnderPressure(one, conditions)).toEqual(isRefused ? { reason: "Evicted", message } : undefined);
});

test("what is over is no reason", () =>
  expect(refusalUnderPressure(pod(), [{ type: "DiskPressure", status: "False", reason: "", message: "" }])).toBe(
    undefined,
  ));
