import { expect, test } from "vitest";
import type { ResizableAmounts } from "../../kinds/resize.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { freshRecord, NOW, turnPod } from "../../test/kit/pod-turns.js";
import { containerRecord, type PodRecord, withContainer } from "../pod-record.js";
import { asGranted } from "./as-granted.js";
import { noteResize } from "./note-resize.js";
import { resizeConditions, resizeWord } from "./resize-status.js";

const amounts = (cpu: string, memory = "64Mi"): ResizableAmounts => ({
  limits: { cpu, memory },
  requests: { cpu, memory },
});
const podWith = (cpu: string, { memory = "64Mi", restarts = "" } = {}): Pod =>
  turnPod({
    containers: [
      {
        name: "web",
        image: "x",
        resources: amounts(cpu, memory),
        resizePolicy: restarts === "" ? [] : [{ resourceName: restarts, restartPolicy: "RestartContainer" }],
      },
    ],
  });
const made = (change: Parameters<typeof withContainer>[2] = {}): PodRecord =>
  withContainer(freshRecord, "web", { inForce: amounts("500m"), startedAtMs: NOW - 1_000, ...change });
const other = { desired: podWith("1"), record: freshRecord };
const ground = { allocatable: { cpu: "2", memory: "1Gi" }, others: () => [other], nowMs: NOW };

interface Row {
  readonly name: string;
  readonly record?: PodRecord;
  readonly pod: Pod;
  /** What it comes to have: in force, granted, refused. */
  readonly want: { readonly granted?: string; readonly refused?: string; readonly ends?: true; readonly same?: true };
}

const rows: readonly Row[] = [
  { name: "as it was made", pod: podWith("500m"), want: { same: true } },
  { name: "not made yet", record: freshRecord, pod: podWith("5"), want: { same: true } },
  { name: "more, and the node has it: the exact fit", pod: podWith("1"), want: { granted: "1" } },
  { name: "less is always granted", pod: podWith("100m"), want: { granted: "100m" } },
  { name: "more than is free", pod: podWith("1100m"), want: { refused: "Deferred" } },
  { name: "more than there is", pod: podWith("2100m"), want: { refused: "Infeasible" } },
  { name: "memory counts too", pod: podWith("500m", { memory: "2Gi" }), want: { refused: "Infeasible" } },
  {
    name: "taken back before it was in force",
    record: made({ allocated: amounts("1") }),
    pod: podWith("500m"),
    want: {},
  },
  {
    name: "refused before, and taken back",
    record: { ...made(), resize: { reason: "Deferred", message: "" } },
    pod: podWith("500m"),
    want: {},
  },
  {
    name: "a restart where the policy asks for it",
    pod: podWith("1", { restarts: "cpu" }),
    want: { granted: "1", ends: true },
  },
  { name: "no restart for the other resource", pod: podWith("1", { restarts: "memory" }), want: { granted: "1" } },
  {
    name: "no restart of what does not run",
    record: made({ startedAtMs: undefined }),
    pod: podWith("1", { restarts: "cpu" }),
    want: { granted: "1" },
  },
];

for (const { name, record = made(), pod, want } of rows) {
  test(`resize: ${name}`, () => {
    const after = noteResize(record, pod, ground);
    const { allocated, ending, inForce } = containerRecord(after, "web");
    if (want.same) expect(after).toBe(record);
    expect(allocated?.limits["cpu"]).toBe(want.granted);
    expect(inForce).toEqual(record === freshRecord ? undefined : amounts("500m"));
    expect(after.resize?.reason).toBe(want.refused);
    expect(ending !== undefined).toBe(want.ends === true);
    expect(noteResize(after, pod, ground)).toBe(after);
    const words = resizeConditions(after).map(({ type, reason }) => `${type} ${reason}`.trim());
    expect(words).toEqual([
      ...(want.refused === undefined ? [] : [`PodResizePending ${want.refused}`]),
      ...(want.granted === undefined ? [] : ["PodResizeInProgress"]),
    ]);
    expect(resizeWord(after)).toBe(want.refused ?? (want.granted === undefined ? "" : "InProgress"));
  });
}

test("a pod that is over leaves its room to others, and one without room waits with Kubernetes' words", () => {
  const over = { ...other, desired: { ...other.desired, status: { phase: "Succeeded" } as never } };
  expect(noteResize(made(), podWith("2"), { ...ground, others: () => [over] }).resize).toBeUndefined();
  expect(noteResize(made(), podWith("1500m"), ground).resize?.message).toBe(
    "Node didn't have enough resource: cpu, requested: 1500, used: 1000, capacity: 2000",
  );
});

test("a run that is made has what was granted and not what is asked for", () => {
  const refused = noteResize(made(), podWith("4"), ground);
  expect(asGranted(podWith("4"), refused).spec?.containers[0]?.resources?.limits["cpu"]).toBe("500m");
  const granted = noteResize(made(), podWith("1"), ground);
  expect(asGranted(podWith("1"), granted).spec?.containers[0]?.resources?.limits["cpu"]).toBe("1");
  const pod = podWith("3");
  expect(asGranted(pod, freshRecord)).toBe(pod);
});
