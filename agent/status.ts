import { startWaits, startWaitText } from "../kinds/start-after.js";
import { rfc3339 } from "../lib/clock.js";
import type { Condition } from "../proto/gen/tallship/v1/meta.js";
import { ContainerState, ContainerStatus, type Pod, PodStatus } from "../proto/gen/tallship/v1/pod.js";
import { restartDelayMs } from "./note-containers.js";
import { containerRecord, type EndedRun, type PodRecord, type Waiting } from "./pod-record.js";
import type { PodFacts, PodTurn } from "./pod-turn.js";
import { isPodOver, isSuccess, willRunAgain } from "./restart-policy.js";
import { containerId, type ObservedContainer } from "./runtime/runtime.js";

/** Exit code shown for a run whose own was lost: never 0. As in Kubernetes. */
const LOST_EXIT_CODE = 137;

/** The conditions that the agent writes; others belong to scheduler and controllers. */
export const OWN_CONDITIONS: ReadonlySet<string> = new Set([
  "PodReadyToStartContainers",
  "Initialized",
  "Ready",
  "ContainersReady",
]);

/** What the status says beside the pod itself. */
export interface StatusContext {
  readonly nodeIP: string;
  /** Scheme of container ids, such as crun. */
  readonly runtimeName: string;
}

/**
 * The pod's status as the machine and the record show it. Pure; honest: what is not known is said so. Fields with another writer
 * (scheduling, quality of service) are kept.
 */
export function podStatus(turn: PodTurn, pod: Pod, context: StatusContext): PodStatus {
  const { record, facts, nowMs } = turn;
  const containerStatuses = (pod.spec?.containers ?? []).map(({ name, image }) =>
    containerStatus(turn, pod, { name, image, runtimeName: context.runtimeName }),
  );
  const phase = phaseOf(pod, record, containerStatuses);
  const before = pod.status;
  return PodStatus.fromPartial({
    ...before,
    phase,
    reason: "",
    message: "",
    hostIP: context.nodeIP,
    hostIPs: [{ ip: context.nodeIP }],
    podIP: facts.address || before?.podIP || "",
    podIPs: facts.address ? [{ ip: facts.address }] : (before?.podIPs ?? []),
    startTime: rfc3339(record.seenAtMs),
    containerStatuses,
    conditions: conditions(before?.conditions ?? [], { phase, containerStatuses, facts }, nowMs),
    observedGeneration: pod.metadata?.generation ?? 0,
  });
}

/** Phases only go forward: a pod that ran is not Pending again, one that ended stays so. */
function phaseOf(pod: Pod, record: PodRecord, statuses: readonly ContainerStatus[]): string {
  const before = pod.status?.phase ?? "";
  if (before === "Succeeded" || before === "Failed") return before;
  if (isPodOver(pod, record)) {
    const ends = (pod.spec?.containers ?? []).map(({ name }) => containerRecord(record, name).last);
    return ends.every((end) => end !== undefined && isSuccess(end)) ? "Succeeded" : "Failed";
  }
  if (before === "Running") return "Running";
  return statuses.every(({ state }) => state?.waiting === undefined || hasRun(state)) && statuses.some(isStarted)
    ? "Running"
    : "Pending";
}

function hasRun(state: ContainerState): boolean {
  return state.waiting?.reason === "CrashLoopBackOff";
}

function isStarted({ state, lastState }: ContainerStatus): boolean {
  return state?.running !== undefined || state?.terminated !== undefined || lastState?.terminated !== undefined;
}

interface ContainerNames {
  readonly name: string;
  readonly image: string;
  readonly runtimeName: string;
}

function containerStatus(turn: PodTurn, pod: Pod, { name, image, runtimeName }: ContainerNames): ContainerStatus {
  const { record, facts } = turn;
  const known = containerRecord(record, name);
  const seen = turn.containers.find((one) => one.container === name && one.attempt === known.attempt);
  const isRunning = seen?.state.is === "running";
  const idOf = (attempt: number): string =>
    `${runtimeName}://${containerId({ podUid: record.uid, container: name, attempt })}`;
  const digest = known.imageDigest || known.last?.imageDigest || facts.images.get(name)?.digest || "";
  const ended = known.last === undefined ? undefined : terminated(known.last, idOf(known.last.attempt));
  const state = isRunning || known.last === undefined || !hasEnded(turn, pod, name) ? current(turn, name, seen) : ended;
  return ContainerStatus.fromPartial({
    name,
    image,
    imageID: digest === "" ? "" : `${image.split("@")[0]}@${digest}`,
    containerID: isRunning ? idOf(known.attempt) : known.last === undefined ? "" : idOf(known.last.attempt),
    state,
    lastState: state === ended ? before(pod, name)?.lastState : ended,
    ready: isRunning,
    started: isRunning,
    restartCount: Math.max(restarts(known, seen), before(pod, name)?.restartCount ?? 0),
  });
}

function before(pod: Pod, name: string): ContainerStatus | undefined {
  return pod.status?.containerStatuses.find((status) => status.name === name);
}

/** Runs after the first that were begun. */
function restarts(
  known: { attempt: number; startedAtMs: number | undefined },
  seen: ObservedContainer | undefined,
): number {
  return known.startedAtMs !== undefined || seen !== undefined ? known.attempt : Math.max(0, known.attempt - 1);
}

/** True when the container's last run is its state: it has ended for good, or the pod is being stopped. */
function hasEnded({ record }: PodTurn, pod: Pod, name: string): boolean {
  return record.stop !== undefined || !willRunAgain(pod, containerRecord(record, name));
}

function current(turn: PodTurn, name: string, seen: ObservedContainer | undefined): ContainerState {
  if (seen?.state.is === "running")
    return ContainerState.fromPartial({ running: { startedAt: rfc3339(seen.state.startedAtMs) } });
  return ContainerState.fromPartial({ waiting: waiting(turn, name) });
}

/** Why a container that should run does not. */
function waiting({ desired, record }: PodTurn, name: string): Waiting {
  const known = containerRecord(record, name);
  if (known.failed !== undefined) return known.failed;
  if (record.hookFailure !== undefined) return record.hookFailure;
  if (known.last !== undefined) {
    const seconds = restartDelayMs(known.failureCount - 1) / 1000;
    const message = `back-off ${seconds}s restarting container ${name} of pod ${record.namespace}/${record.name}`;
    return { reason: "CrashLoopBackOff", message };
  }
  const waits = desired === undefined ? [] : startWaits(desired);
  if (waits.length > 0) return { reason: "WaitingForDependency", message: startWaitText(waits) };
  return { reason: "ContainerCreating", message: "" };
}

function terminated({ attempt: _, startedAtMs, exit }: EndedRun, containerID: string): ContainerState {
  const times = { startedAt: rfc3339(startedAtMs), finishedAt: rfc3339(exit.finishedAtMs), containerID };
  if (exit.is === "lost") {
    const message = "the container's exit code was lost: its monitor or its host went away";
    return ContainerState.fromPartial({
      terminated: { ...times, exitCode: LOST_EXIT_CODE, reason: "ContainerStatusUnknown", message },
    });
  }
  const reason = exit.isOom ? "OOMKilled" : exit.exitCode === 0 ? "Completed" : "Error";
  const signal = exit.exitCode > 128 && exit.exitCode < 193 ? exit.exitCode - 128 : 0;
  return ContainerState.fromPartial({ terminated: { ...times, exitCode: exit.exitCode, signal, reason } });
}

interface ConditionGround {
  readonly phase: string;
  readonly containerStatuses: readonly ContainerStatus[];
  readonly facts: PodFacts;
}

function conditions(before: readonly Condition[], ground: ConditionGround, nowMs: number): Condition[] {
  const wanted = [
    { type: "PodReadyToStartContainers", ...fact(ground.facts.up.has("sandbox") || ground.phase === "Running", "") },
    { type: "Initialized", ...fact(true, "") },
    { type: "Ready", ...readiness(ground) },
    { type: "ContainersReady", ...readiness(ground) },
  ];
  const kept = before.filter(({ type }) => !wanted.some((condition) => condition.type === type));
  return [...kept, ...wanted.map((condition) => settle(before, condition, nowMs))];
}

interface Verdict {
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}

function fact(holds: boolean, reason: string): Verdict {
  return { status: holds ? "True" : "False", reason, message: "" };
}

function readiness({ phase, containerStatuses }: ConditionGround): Verdict {
  if (phase === "Succeeded") return { status: "False", reason: "PodCompleted", message: "" };
  const unready = containerStatuses.filter(({ ready }) => !ready).map(({ name }) => name);
  if (unready.length === 0) return fact(true, "");
  const message = `containers with unready status: [${unready.join(" ")}]`;
  return { status: "False", reason: "ContainersNotReady", message };
}

/** The condition with the time of its last change of status. */
function settle(before: readonly Condition[], wanted: Verdict & { readonly type: string }, nowMs: number): Condition {
  const old = before.find(({ type }) => type === wanted.type);
  const lastTransitionTime = old?.status === wanted.status ? old.lastTransitionTime : rfc3339(nowMs);
  return {
    ...wanted,
    lastTransitionTime,
    observedGeneration: 0,
    lastUpdateTime: "",
    lastProbeTime: "",
    lastHeartbeatTime: "",
  };
}
