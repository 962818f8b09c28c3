import { bytesText } from "../kinds/bytes-text.js";
import { shortDigest } from "../kinds/columns/image.js";
import { isOneOff } from "../kinds/pod-containers.js";
import { isConditionTrue } from "../kinds/pod-state.js";
import { powerOf } from "../kinds/power.js";
import { RESIZE_IN_PROGRESS, RESIZE_PENDING } from "../kinds/resize.js";
import { startWaits, startWaitText } from "../kinds/start-after.js";
import { rfc3339 } from "../lib/clock.js";
import type { Container } from "../proto/gen/tallship/v1/container.js";
import type { Condition } from "../proto/gen/tallship/v1/meta.js";
import { ContainerState, ContainerStatus, type Pod, PodStatus } from "../proto/gen/tallship/v1/pod.js";
import type { PullProgress } from "./image/images.js";
import { restartDelayMs } from "./note-containers.js";
import { imageCommand } from "./oci/image-command.js";
import { isPaused } from "./pause-step.js";
import { containerRecord, type EndedRun, type PodRecord, type Waiting } from "./pod-record.js";
import { type PodFacts, type PodTurn, podIPs } from "./pod-turn.js";
import { containerAmounts, resizeConditions, resizeWord } from "./resize/resize-status.js";
import { hasStarted, isContainerReady, isPodOver, isSuccess, isSwitchedOff, willRunAgain } from "./restart-policy.js";
import { containerId, type ObservedContainer } from "./runtime/runtime.js";
import { awaitedBy } from "./start-order.js";

/** Exit code shown for a run whose own was lost: never 0. As in Kubernetes. */
const LOST_EXIT_CODE = 137;

/** The conditions that the agent writes; others belong to scheduler and controllers. */
export const OWN_CONDITIONS: ReadonlySet<string> = new Set([
  "PodReadyToStartContainers",
  "Initialized",
  "Ready",
  "ContainersReady",
  RESIZE_PENDING,
  RESIZE_IN_PROGRESS,
]);

/** What the agent says of a pod that it evicts; others say it of pods that they delete. */
const DISRUPTED = { type: "DisruptionTarget", status: "True", reason: "TerminationByKubelet" };

/** What the status says beside the pod itself. */
export interface StatusContext {
  /** The host's addresses, at most one of each family. */
  readonly nodeIPs: readonly string[];
  /** Scheme of container ids, such as crun. */
  readonly runtimeName: string;
}

/**
 * The pod's status as the machine and the record show it. Pure; honest: what is not known is said so. Fields with another writer
 * (scheduling, quality of service) are kept.
 */
export function podStatus(turn: PodTurn, pod: Pod, context: StatusContext): PodStatus {
  const { record, facts, nowMs } = turn;
  const { initContainers = [], containers = [], ephemeralContainers = [] } = pod.spec ?? {};
  const statusOf = (container: Container): ContainerStatus => containerStatus(turn, pod, container, context);
  const initContainerStatuses = initContainers.map(statusOf);
  const containerStatuses = containers.map(statusOf);
  const phase = phaseOf(turn, pod, containerStatuses);
  const before = pod.status;
  const ground = { pod, phase, initContainerStatuses, containerStatuses, facts, record };
  return PodStatus.fromPartial({
    ...before,
    phase,
    reason: record.failure?.reason ?? "",
    message: record.failure?.message ?? "",
    hostIP: context.nodeIPs[0] ?? "",
    hostIPs: context.nodeIPs.map((ip) => ({ ip })),
    podIP: facts.address || before?.podIP || "",
    podIPs: facts.address ? podIPs(facts).map((ip) => ({ ip })) : (before?.podIPs ?? []),
    networks: facts.networks.length > 0 ? facts.networks : (before?.networks ?? []),
    startTime: rfc3339(record.seenAtMs),
    initContainerStatuses,
    containerStatuses,
    ephemeralContainerStatuses: ephemeralContainers.map(statusOf),
    conditions: conditions(before?.conditions ?? [], ground, nowMs),
    resize: resizeWord(record),
    starts: record.startCount,
    observedGeneration: pod.metadata?.generation ?? 0,
  });
}

/** Phases only go forward: a pod that ran is not Pending again, one that ended stays so. Nothing of an ended pod runs any more. */
function phaseOf({ record, containers: seen }: PodTurn, pod: Pod, statuses: readonly ContainerStatus[]): string {
  const before = pod.status?.phase ?? "";
  const isEnded = before === "Succeeded" || before === "Failed";
  // Only a start by hand takes an end back.
  if (isEnded && (record.startCount === 0 || isPodOver(pod, record))) return before;
  if (isStartPending(pod, record)) return before || "Pending";
  const isLiving = seen.some(({ state }) => state.is === "running" || state.is === "creating");
  if (isPodOver(pod, record) && !isLiving) {
    const ends = (pod.spec?.containers ?? []).map(({ name }) => containerRecord(record, name).last);
    const isWell = record.failure === undefined && ends.every((end) => end !== undefined && isSuccess(end));
    return isWell ? "Succeeded" : "Failed";
  }
  if (before === "Running") return "Running";
  return statuses.every(({ state }) => state?.waiting === undefined || hasRun(state)) && statuses.some(isStarted)
    ? "Running"
    : "Pending";
}

/** The pod is being restarted by hand: between its runs it is what it was. */
function isStartPending(pod: Pod, record: PodRecord): boolean {
  const { isStopped, startCount } = powerOf(pod);
  return !isStopped && startCount > record.startCount;
}

function hasRun(state: ContainerState): boolean {
  return state.waiting?.reason === "CrashLoopBackOff";
}

function isStarted({ state, lastState }: ContainerStatus): boolean {
  return state?.running !== undefined || state?.terminated !== undefined || lastState?.terminated !== undefined;
}

function containerStatus(
  turn: PodTurn,
  pod: Pod,
  container: Container,
  { runtimeName }: StatusContext,
): ContainerStatus {
  const { record, facts } = turn;
  const { name, image } = container;
  const known = containerRecord(record, name);
  const seen = turn.containers.find((one) => one.container === name && one.attempt === known.attempt);
  const isRunning = seen?.state.is === "running";
  const idOf = (attempt: number): string =>
    `${runtimeName}://${containerId({ podUid: record.uid, container: name, attempt })}`;
  const digest = known.imageDigest || known.last?.imageDigest || facts.images.get(name)?.digest || "";
  const ended = known.last === undefined ? undefined : terminated(known.last, idOf(known.last.attempt));
  const state =
    isRunning || known.last === undefined || !hasEnded(turn, pod, container) ? current(turn, pod, name, seen) : ended;
  const isDone = isOneOff(pod, name) && known.isComplete;
  const isStill = seen !== undefined && isPaused(seen);
  // What the user has stopped takes no more requests while it ends, and what is paused none until it goes on.
  const isUp = !isSwitchedOff(pod, record) && !isStill;
  return ContainerStatus.fromPartial({
    name,
    image,
    imageID: digest === "" ? "" : `${image.split("@")[0]}@${digest}`,
    containerID: isRunning ? idOf(known.attempt) : known.last === undefined ? "" : idOf(known.last.attempt),
    state,
    lastState: state === ended ? before(pod, name)?.lastState : ended,
    ready: isDone || (isRunning && isUp && !isOneOff(pod, name) && isContainerReady(container, known)),
    started: isRunning && hasStarted(container, known),
    paused: isStill,
    restartCount: Math.max(restarts(known, seen), before(pod, name)?.restartCount ?? 0),
    ...containerAmounts(record, container),
    command: [...imageCommand(container, facts.images.get(name)?.config, before(pod, name)?.command)],
  });
}

function before(pod: Pod, name: string): ContainerStatus | undefined {
  const { initContainerStatuses = [], containerStatuses = [], ephemeralContainerStatuses = [] } = pod.status ?? {};
  return [...initContainerStatuses, ...containerStatuses, ...ephemeralContainerStatuses].find(
    (status) => status.name === name,
  );
}

/** Runs after the first that were begun. */
function restarts(
  known: { attempt: number; startedAtMs: number | undefined },
  seen: ObservedContainer | undefined,
): number {
  return known.startedAtMs !== undefined || seen !== undefined ? known.attempt : Math.max(0, known.attempt - 1);
}

/** True when the container's last run is its state: it has ended for good, or the pod is being stopped. */
function hasEnded({ record }: PodTurn, pod: Pod, container: Container): boolean {
  const known = containerRecord(record, container.name);
  return record.stop !== undefined || isPodOver(pod, record) || !willRunAgain(pod, container, known);
}

function current(turn: PodTurn, pod: Pod, name: string, seen: ObservedContainer | undefined): ContainerState {
  if (seen?.state.is === "running")
    return ContainerState.fromPartial({ running: { startedAt: rfc3339(seen.state.startedAtMs) } });
  return ContainerState.fromPartial({ waiting: waiting(turn, pod, name) });
}

/** Why a container that should run does not. */
function waiting({ record, facts }: PodTurn, pod: Pod, name: string): Waiting {
  const known = containerRecord(record, name);
  if (known.failed !== undefined) return known.failed;
  if (record.hookFailure !== undefined) return record.hookFailure;
  const isAsked = !isOneOff(pod, name) || known.last === undefined || !isSuccess(known.last);
  const isReplaced = known.last?.isReplaced === true;
  if (known.last !== undefined && isAsked && !isReplaced) {
    const seconds = restartDelayMs(known.failureCount - 1) / 1000;
    const message = `back-off ${seconds}s restarting container ${name} of pod ${record.namespace}/${record.name}`;
    return { reason: "CrashLoopBackOff", message };
  }
  const waits = startWaits(pod);
  if (waits.length > 0) return { reason: "WaitingForDependency", message: startWaitText(waits) };
  const awaited = record.isInitialized ? awaitedBy(record, pod, name) : [];
  if (awaited.length > 0)
    return { reason: "WaitingForDependency", message: `waiting for ${awaited.join(", ")} to be healthy` };
  const hasInit = (pod.spec?.initContainers.length ?? 0) > 0;
  const pull = facts.up.has("image") && !isReplaced ? undefined : facts.pulling.get(name);
  const message = pull === undefined ? "" : pullText(pull);
  return { reason: hasInit ? "PodInitializing" : "ContainerCreating", message };
}

/** How far a pull is, whole and by layer. The share is what the pod's line shows. */
function pullText({ reference, bytesDone, bytesTotal, layers }: PullProgress): string {
  const percent = bytesTotal === 0 ? 0 : Math.floor((100 * bytesDone) / bytesTotal);
  const of = ({ bytesDone: done, bytesTotal: total }: Pick<PullProgress, "bytesDone" | "bytesTotal">): string =>
    `${bytesText(done)} of ${bytesText(total)}`;
  const each = layers.map((layer) => `, ${shortDigest(layer.digest)} ${of(layer)}`).join("");
  return `pulling ${reference}: ${percent}%, ${of({ bytesDone, bytesTotal })}${each}`;
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
  const { exitCode, message = "" } = exit;
  return ContainerState.fromPartial({ terminated: { ...times, exitCode, signal, reason, message } });
}

interface ConditionGround {
  readonly pod: Pod;
  readonly phase: string;
  readonly initContainerStatuses: readonly ContainerStatus[];
  readonly containerStatuses: readonly ContainerStatus[];
  readonly facts: PodFacts;
  readonly record: PodRecord;
}

function conditions(before: readonly Condition[], ground: ConditionGround, nowMs: number): Condition[] {
  const containersReady = readiness(ground);
  const wanted = [
    { type: "PodReadyToStartContainers", ...fact(ground.facts.up.has("sandbox") || ground.phase === "Running", "") },
    { type: "Initialized", ...initialization(ground) },
    { type: "Ready", ...gated(ground.pod, containersReady) },
    { type: "ContainersReady", ...containersReady },
    ...resizeConditions(ground.record),
    ...(ground.record.failure?.isDisruption ? [{ ...DISRUPTED, message: ground.record.failure.message }] : []),
  ];
  const told = new Set<string>([...OWN_CONDITIONS, ...wanted.map(({ type }) => type)]);
  const kept = before.filter(({ type }) => !told.has(type));
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

function initialization({ record, phase, initContainerStatuses }: ConditionGround): Verdict {
  if (record.isInitialized || initContainerStatuses.length === 0) return fact(true, "");
  if (phase === "Succeeded") return fact(true, "PodCompleted");
  const open = initContainerStatuses.filter(({ ready, started }) => !ready && started !== true);
  const message = `containers with incomplete status: [${open.map(({ name }) => name).join(" ")}]`;
  return { status: "False", reason: "ContainersNotInitialized", message };
}

/** Sidecars count: a pod whose proxy is not ready takes no requests. */
function readiness({ pod, phase, initContainerStatuses, containerStatuses }: ConditionGround): Verdict {
  if (phase === "Succeeded") return { status: "False", reason: "PodCompleted", message: "" };
  if (phase === "Failed") return { status: "False", reason: "PodFailed", message: "" };
  const sidecars = initContainerStatuses.filter(({ name }) => !isOneOff(pod, name));
  const unready = [...sidecars, ...containerStatuses].filter(({ ready }) => !ready).map(({ name }) => name);
  if (unready.length === 0) return fact(true, "");
  const message = `containers with unready status: [${unready.join(" ")}]`;
  return { status: "False", reason: "ContainersNotReady", message };
}

/** Ready only when the conditions that the pod's readiness gates name hold too; those are written by others. */
function gated(pod: Pod, containersReady: Verdict): Verdict {
  if (containersReady.status !== "True") return containersReady;
  const open = (pod.spec?.readinessGates ?? []).map(({ conditionType }) => conditionType);
  const failing = open.filter((type) => !isConditionTrue(pod.status?.conditions, type));
  if (failing.length === 0) return containersReady;
  const message = failing.map((type) => `the status of pod readiness gate "${type}" is not "True"`).join("; ");
  return { status: "False", reason: "ReadinessGatesNotReady", message };
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
