import { expect, test } from "vitest";
import { podSummary } from "../kinds/pod-summary.js";
import { Pod } from "../proto/gen/tallship/v1/pod.js";
import { HOOKS } from "./actions.js";
import { noteContainers } from "./note-containers.js";
import { type ContainerRecord, newRecord, withContainer } from "./pod-record.js";
import { NO_FACTS, type PodTurn } from "./pod-turn.js";
import type { ContainerExit, ContainerState } from "./runtime/runtime.js";
import { podStatus } from "./status.js";

const NOW = 1_700_000_000_000;
const context = { nodeIPs: ["172.30.0.11"], runtimeName: "crun" };
const record = newRecord({ uid: "u1", namespace: "default", name: "p" }, NOW - 60_000);

function pod(restartPolicy = "Always", status: Parameters<typeof Pod.fromPartial>[0]["status"] = undefined): Pod {
  const containers = [{ name: "web", image: "hello:1" }];
  return Pod.fromPartial({ metadata: { uid: "u1", generation: 3 }, spec: { restartPolicy, containers }, status });
}

function statusOf(part: Partial<PodTurn>, of = pod()) {
  const facts = { ...NO_FACTS, up: new Set(HOOKS), address: "10.128.0.2" };
  const withdrawal = { is: "none" } as const;
  const turn = {
    desired: of,
    isConfirmedSet: true,
    containers: [],
    record,
    facts,
    withdrawal,
    cutOverRevision: 0,
    nowMs: NOW,
  };
  const whole = { ...turn, ...part };
  return podStatus({ ...whole, record: noteContainers(whole) }, of, context);
}

const seen = (state: ContainerState, attempt = 0) => ({ id: "x", podUid: "u1", container: "web", attempt, state });
const running = seen({ is: "running", pid: 7, startedAtMs: NOW - 10_000 });
const web = (change: Partial<ContainerRecord>) => withContainer(record, "web", change);
const code = (exitCode: number, isOom = false): ContainerExit => ({
  is: "code",
  exitCode,
  isOom,
  finishedAtMs: NOW - 1_000,
});
const ended = (exit: ContainerExit, change: Partial<ContainerRecord> = {}) =>
  web({
    attempt: 1,
    failureCount: 1,
    last: { attempt: 0, startedAtMs: NOW - 5_000, exit, imageDigest: "sha256:d" },
    ...change,
  });
const hook = (reason: string) => ({
  ...record,
  hookFailure: { hook: "image" as const, reason, message: "why", count: 1, retryAtMs: NOW },
});

// What a Kubernetes user reads in `get pods`, by what happened.
const waits = [
  { name: "nothing happened yet", part: {}, reason: "ContainerCreating" },
  { name: "the image is not there", part: { record: hook("ErrImagePull") }, reason: "ErrImagePull" },
  {
    name: "a config is missing",
    part: { record: hook("CreateContainerConfigError") },
    reason: "CreateContainerConfigError",
  },
  {
    name: "the command does not exist",
    part: { record: web({ failed: { reason: "RunContainerError", message: "no such file" }, retryAtMs: NOW + 1 }) },
    reason: "RunContainerError",
  },
  { name: "it ended and will run again", part: { record: ended(code(3)) }, reason: "CrashLoopBackOff" },
] as const;

for (const { name, part, reason } of waits) {
  test(`status: ${name}: waiting, ${reason}`, () => {
    const status = statusOf(part);
    expect(status.containerStatuses[0]?.state?.waiting?.reason).toBe(reason);
    expect(status.containerStatuses[0]?.ready).toBe(false);
    expect(status.conditions.find(({ type }) => type === "Ready")?.status).toBe("False");
  });
}

test("an image on its way is told whole and by layer, and the pod's line shows its share", () => {
  const layers = [{ digest: `sha256:${"3f".repeat(32)}`, bytesDone: 7_100_000, bytesTotal: 20_000_000 }];
  const pull = { reference: "hello:1", bytesDone: 27_100_000, bytesTotal: 60_000_000, layers };
  const status = statusOf({ facts: { ...NO_FACTS, pulling: new Map([["web", pull]]) } });
  expect(status.containerStatuses[0]?.state?.waiting).toEqual({
    reason: "ContainerCreating",
    message: "pulling hello:1: 45%, 27.1MB of 60MB, 3f3f3f3f3f3f 7.1MB of 20MB",
  });
  expect(podSummary({ ...pod(), status }).status).toBe("Pulling:45%");
});

// How an end is told; a lost code is never 0.
const ends = [
  { name: "a success", exit: code(0), reason: "Completed", exitCode: 0, signal: 0 },
  { name: "a failure", exit: code(3), reason: "Error", exitCode: 3, signal: 0 },
  { name: "a signal", exit: code(143), reason: "Error", exitCode: 143, signal: 15 },
  { name: "out of memory", exit: code(137, true), reason: "OOMKilled", exitCode: 137, signal: 9 },
  {
    name: "a lost code",
    exit: { is: "lost", finishedAtMs: NOW },
    reason: "ContainerStatusUnknown",
    exitCode: 137,
    signal: 0,
  },
] as const;

for (const { name, exit, reason, exitCode, signal } of ends) {
  test(`status: ${name} is told as ${reason}, in the state when it is final and in the last state when not`, () => {
    const final = statusOf({ record: ended(exit) }, pod("Never"));
    expect(final.containerStatuses[0]?.state?.terminated).toMatchObject({
      reason,
      exitCode,
      signal,
      containerID: "crun://u1_web_0",
    });
    expect(final.phase).toBe(exitCode === 0 ? "Succeeded" : "Failed");
    const again = statusOf({ record: ended(exit), containers: [seen(running.state, 1)] });
    expect(again.containerStatuses[0]).toMatchObject({
      restartCount: 1,
      ready: true,
      lastState: { terminated: { reason } },
    });
  });
}

test("status: a pod that starts after others says what it waits for", () => {
  const of = pod();
  const annotations = {
    "tallship.dev/start-after": "db=healthy,init=completed",
    "tallship.dev/start-waits": "init=completed",
  };
  const held = Pod.fromPartial({ ...of, metadata: { ...of.metadata, annotations } });
  const status = statusOf({ desired: held }, held);
  expect(status.phase).toBe("Pending");
  expect(status.containerStatuses[0]?.state?.waiting).toEqual({
    reason: "WaitingForDependency",
    message: "waiting for init to have completed",
  });
});

test("status: a running pod is Running and Ready, with its address, image and times", () => {
  const status = statusOf({ containers: [running], record: web({ imageDigest: "sha256:d" }) });
  expect(status).toMatchObject({
    phase: "Running",
    podIP: "10.128.0.2",
    hostIP: "172.30.0.11",
    startTime: "2023-11-14T22:12:20Z",
    observedGeneration: 3,
    containerStatuses: [
      {
        containerID: "crun://u1_web_0",
        imageID: "hello:1@sha256:d",
        state: { running: { startedAt: "2023-11-14T22:13:10Z" } },
      },
    ],
  });
  const holding = status.conditions.filter(({ status: holds }) => holds === "True").map(({ type }) => type);
  expect(holding).toEqual(["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady"]);
});

test("status: a condition keeps the time of its last change, and others' conditions stay", () => {
  const scheduled = { type: "PodScheduled", status: "True", lastTransitionTime: "2020-01-01T00:00:00Z" };
  const ready = { type: "Ready", status: "True", lastTransitionTime: "2021-01-01T00:00:00Z" };
  const before = { phase: "Running", qosClass: "Burstable", conditions: [scheduled, ready] };
  const kept = statusOf({ containers: [running] }, pod("Always", before));
  expect(kept.qosClass).toBe("Burstable");
  expect(kept.conditions.map(({ type }) => type)).toContain("PodScheduled");
  expect(kept.conditions.find(({ type }) => type === "Ready")?.lastTransitionTime).toBe("2021-01-01T00:00:00Z");
  const lost = statusOf({ record: ended(code(1)) }, pod("Always", before));
  expect(lost.conditions.find(({ type }) => type === "Ready")?.lastTransitionTime).toBe("2023-11-14T22:13:20Z");
});

// Phases only go forward, whatever the machine shows.
const phases = [
  { before: "Succeeded", part: { containers: [running] }, want: "Succeeded" },
  { before: "Failed", part: {}, want: "Failed" },
  { before: "Running", part: { record: ended(code(1)) }, want: "Running" },
  { before: "Running", part: {}, want: "Running" },
  { before: "Pending", part: {}, want: "Pending" },
  { before: "Unknown", part: { containers: [running] }, want: "Running" },
] as const;

for (const { before, part, want } of phases) {
  test(`status: from ${before} to ${want}`, () => {
    expect(statusOf(part, pod("Always", { phase: before })).phase).toBe(want);
  });
}

test("status: restart counts never go back", () => {
  const containerStatuses = [{ name: "web", restartCount: 5 }];
  expect(statusOf({}, pod("Always", { containerStatuses })).containerStatuses[0]?.restartCount).toBe(5);
  expect(statusOf({ record: ended(code(1)) }).containerStatuses[0]?.restartCount).toBe(0);
  expect(statusOf({ record: ended(code(1), { startedAtMs: NOW }) }).containerStatuses[0]?.restartCount).toBe(1);
});
