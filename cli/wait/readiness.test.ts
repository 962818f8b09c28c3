import { describe, expect, test } from "vitest";
import { decodeDocument } from "../../kinds/decode.js";
import type { Typed } from "../../kinds/object.js";
import { parseYaml } from "../../kinds/yaml/parse.js";
import { readinessOf } from "./readiness.js";

function read(text: string): Typed {
  const source = { name: "x", text };
  const [object] = parseYaml(source).documents.flatMap((root) => decodeDocument(root, source).objects);
  if (object === undefined) throw new Error("no object");
  return object.typed;
}

describe("a deployment is ready once every pod is of the new template and available", () => {
  const rows = [
    { name: "nobody has looked", status: "", want: "waiting: the change has not been seen yet" },
    {
      name: "being updated",
      status: "observedGeneration: 2, replicas: 3, updatedReplicas: 1",
      want: "waiting: 1 of 3 pods updated",
    },
    {
      name: "old pods",
      status: "observedGeneration: 2, replicas: 4, updatedReplicas: 3",
      want: "waiting: 1 old pods still there",
    },
    {
      name: "not available",
      status: "observedGeneration: 2, replicas: 3, updatedReplicas: 3, availableReplicas: 2",
      want: "waiting: 2 of 3 pods available",
    },
    {
      name: "ready",
      status: "observedGeneration: 2, replicas: 3, updatedReplicas: 3, availableReplicas: 3",
      want: "ready",
    },
    {
      name: "given up",
      status:
        'observedGeneration: 2, conditions: [{type: Progressing, status: "False", reason: ProgressDeadlineExceeded}]',
      want: "failed: it missed its progress deadline",
    },
    {
      name: "taken back",
      status:
        'observedGeneration: 2, conditions: [{type: Progressing, status: "False", reason: ProgressDeadlineExceeded, message: late}, {type: RolledBack, status: "True", message: back to 1}]',
      want: "failed: back to 1",
    },
  ];
  test.each(rows)("$name", ({ status, want }) => {
    const state = readinessOf(
      read(
        `{apiVersion: apps/v1, kind: Deployment, metadata: {name: a, generation: 2}, spec: {replicas: 3}, status: {${status}}}`,
      ),
    );
    expect(state.is === "ready" ? "ready" : `${state.is}: ${state.why}`).toBe(want);
  });
});

describe("a pod is ready, or says what keeps it", () => {
  const rows = [
    {
      name: "unbound",
      status:
        'phase: Pending, conditions: [{type: PodScheduled, status: "False", message: "0/3 nodes: 3 insufficient memory"}]',
      want: "waiting: not scheduled: 0/3 nodes: 3 insufficient memory",
    },
    {
      name: "no image",
      status:
        "phase: Pending, containerStatuses: [{name: c, state: {waiting: {reason: ImagePullBackOff, message: no such image}}}]",
      want: "waiting: container c: ImagePullBackOff: no such image",
    },
    {
      name: "being made",
      status: "phase: Pending, containerStatuses: [{name: c, state: {waiting: {reason: ContainerCreating}}}]",
      want: "waiting: ContainerCreating",
    },
    { name: "ready", status: 'phase: Running, conditions: [{type: Ready, status: "True"}]', want: "ready" },
    { name: "done", status: "phase: Succeeded", want: "ready" },
    {
      name: "failed",
      status: "phase: Failed, containerStatuses: [{name: c, state: {terminated: {exitCode: 1, reason: Error}}}]",
      want: "failed: container c: Error",
    },
  ];
  test.each(rows)("$name", ({ status, want }) => {
    const state = readinessOf(read(`{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {}, status: {${status}}}`));
    expect(state.is === "ready" ? "ready" : `${state.is}: ${state.why}`).toBe(want);
  });
});

describe("a job is ready when it is complete, a daemon set when every node has a current pod", () => {
  const job = (status: string, spec = "") =>
    `{apiVersion: batch/v1, kind: Job, metadata: {name: a}, spec: {completions: 3${spec}}, status: {${status}}}`;
  const daemonSet = (status: string, spec = "") =>
    `{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: a, generation: 2}, spec: {${spec}}, status: {observedGeneration: 2, desiredNumberScheduled: 3, ${status}}}`;
  const rows = [
    {
      name: "running",
      text: job("active: 2, succeeded: 1, failed: 1"),
      want: "waiting: 1/3 completions, 2 pods active, 1 failed",
    },
    { name: "complete", text: job('conditions: [{type: Complete, status: "True"}]'), want: "ready" },
    {
      name: "failed",
      text: job('conditions: [{type: Failed, status: "True", reason: DeadlineExceeded, message: too long}]'),
      want: "failed: DeadlineExceeded: too long",
    },
    {
      name: "suspended",
      text: job('conditions: [{type: Suspended, status: "True"}]', ", suspend: true"),
      want: "ready",
    },
    // It was resumed, and its controller has not seen that yet.
    {
      name: "still suspended",
      text: job('conditions: [{type: Suspended, status: "True"}]', ", suspend: false"),
      want: "waiting: it is still suspended",
    },
    {
      name: "being rolled",
      text: daemonSet("updatedNumberScheduled: 1, numberAvailable: 3"),
      want: "waiting: 1 of 3 pods updated",
    },
    {
      name: "starting",
      text: daemonSet("updatedNumberScheduled: 3, numberAvailable: 2"),
      want: "waiting: 2 of 3 pods available",
    },
    { name: "rolled", text: daemonSet("updatedNumberScheduled: 3, numberAvailable: 3"), want: "ready" },
    {
      name: "on delete",
      text: daemonSet("updatedNumberScheduled: 1, numberAvailable: 3", "updateStrategy: {type: OnDelete}"),
      want: "ready",
    },
  ];
  test.each(rows)("$name", ({ text, want }) => {
    const state = readinessOf(read(text));
    expect(state.is === "ready" ? "ready" : `${state.is}: ${state.why}`).toBe(want);
  });
});

test("what has no state of its own is ready", () => {
  expect(readinessOf(read("{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}"))).toEqual({ is: "ready" });
});

describe("a stateful set is ready once every pod is available and, above its partition, new", () => {
  const rows = [
    { name: "nobody has looked", spec: "", status: "", want: "waiting: the change has not been seen yet" },
    {
      name: "being updated",
      spec: "",
      status:
        "observedGeneration: 2, replicas: 3, updatedReplicas: 1, updateRevision: b, currentRevision: a, availableReplicas: 3",
      want: "waiting: 1 of 3 pods updated",
    },
    {
      name: "the partition is reached",
      spec: ", updateStrategy: {rollingUpdate: {partition: 2}}",
      status:
        "observedGeneration: 2, replicas: 3, updatedReplicas: 1, updateRevision: b, currentRevision: a, availableReplicas: 3",
      want: "ready",
    },
    {
      name: "not available",
      spec: "",
      status: "observedGeneration: 2, replicas: 3, updateRevision: a, currentRevision: a, availableReplicas: 2",
      want: "waiting: 2 of 3 pods available",
    },
    {
      name: "whole",
      spec: "",
      status: "observedGeneration: 2, replicas: 3, updateRevision: a, currentRevision: a, availableReplicas: 3",
      want: "ready",
    },
  ];
  test.each(rows)("$name", ({ spec, status, want }) => {
    const state = readinessOf(
      read(
        `{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: s, generation: 2}, spec: {replicas: 3${spec}}, status: {${status}}}`,
      ),
    );
    expect(state.is === "ready" ? state.is : `${state.is}: ${state.why}`).toBe(want);
  });
});
