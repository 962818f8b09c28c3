import { controllerOf } from "../kinds/owners.js";
import { everyContainer, isEphemeral, isOneOff, isSidecar } from "../kinds/pod-containers.js";
import { graceSecondsOf, isDeleting } from "../kinds/pod-state.js";
import { powerOf } from "../kinds/power.js";
import { startWaits } from "../kinds/start-after.js";
import { claimsOfPod } from "../kinds/storage.js";
import { assertNever } from "../lib/errors.js";
import { limit } from "../lib/limits.js";
import type { Container } from "../proto/gen/tallship/v1/container.js";
import type { Pod } from "../proto/gen/tallship/v1/pod.js";
import { type Action, HOOKS, type HookName } from "./actions.js";
import type { Check } from "./checks/check.js";
import { wantedChecks } from "./checks/wanted-checks.js";
import { asInitialized, noteContainers } from "./note-containers.js";
import { noteImages } from "./note-image.js";
import { pauseStep } from "./pause-step.js";
import { type ContainerRecord, containerRecord, type PodRecord, type StopRecord, startedAnew } from "./pod-record.js";
import type { PodFacts, PodTurn } from "./pod-turn.js";
import { hasLastingFiles, hasStarted, isPodOver, willRunAgain } from "./restart-policy.js";
import type { ObservedContainer } from "./runtime/runtime.js";
import { awaitedBy } from "./start-order.js";
import { acts, allActions, endStep, type Step, soonest, waits } from "./step.js";
import { removals, windDown } from "./wind-down.js";

/** What to do for a pod now. The actions may run side by side; afterwards the pod is looked at again. */
export interface PodPlan {
  /** What must be remembered before any of the actions is carried out. */
  readonly record: PodRecord;
  readonly actions: readonly Action[];
  /** Look again after this many milliseconds, even if nothing changes. */
  readonly againMs: number | undefined;
  /** The probes and hooks that shall go on beside this, until a plan names them no more. */
  readonly checks: readonly Check[];
}

type Decision = Omit<PodPlan, "checks">;

/**
 * Decides about one pod. Pure: the same turn gives the same plan, and a plan whose actions have been carried out is followed by one that
 * goes on from there, whoever carried them out. Ends in no actions when the machine is as wanted.
 */
export function plan(turn: PodTurn): PodPlan {
  const decided = decide(turn);
  const pod = turn.desired;
  const checks = pod === undefined ? [] : wantedChecks({ ...turn, record: decided.record }, pod);
  return { ...decided, checks };
}

function decide(turn: PodTurn): Decision {
  const pod = turn.desired;
  const seen = noteContainers(turn);
  if (pod === undefined)
    return turn.isConfirmedSet ? stop({ ...turn, record: seen }, undefined) : idle(seen, undefined);
  if (isDeleting(pod)) return stop({ ...turn, record: seen }, pod);
  const begun = noteStart({ ...turn, record: seen }, pod);
  const record = noteDeadline(noteInitialized(begun, pod), pod, turn.nowMs);
  if (isPodOver(pod, record)) return finish({ ...turn, record }, pod);
  return run({ ...turn, record: noteImages(record, pod, turn.nowMs) }, pod);
}

/**
 * A start by hand begins once no container of the one before is left, and nothing is half given back: a network that is taken away has with it what the pod's users are pinned to, though their own hook
 * has not gone down yet.
 */
function noteStart({ record, containers, facts }: PodTurn, pod: Pod): PodRecord {
  const { isStopped, startCount } = powerOf(pod);
  const isHalfReleased = facts.down.size > 0 && !facts.isCleared;
  if (isStopped || startCount <= record.startCount || containers.length > 0 || isHalfReleased) return record;
  return startedAnew(record, startCount);
}

function idle(record: PodRecord, againMs: number | undefined): Decision {
  return { record, actions: [], againMs };
}

function noteInitialized(record: PodRecord, pod: Pod): PodRecord {
  return (pod.spec?.initContainers ?? []).every((one) => isSettled(one, containerRecord(record, one.name)))
    ? asInitialized(record)
    : record;
}

/** Whether an init container holds the next one back no more. */
function isSettled(container: Container, known: ContainerRecord): boolean {
  return isSidecar(container) ? hasStarted(container, known) : known.isComplete;
}

function deadlineMs(record: PodRecord, pod: Pod): number | undefined {
  const seconds = pod.spec?.activeDeadlineSeconds;
  return seconds === undefined ? undefined : record.seenAtMs + seconds * 1000;
}

function noteDeadline(record: PodRecord, pod: Pod, nowMs: number): PodRecord {
  const atMs = deadlineMs(record, pod);
  if (atMs === undefined || nowMs < atMs || isPodOver(pod, record)) return record;
  const message = "pod was active on the node longer than the specified deadline";
  return { ...record, failure: { reason: "DeadlineExceeded", message } };
}

/** Keeps every container that should run running. */
function run(turn: PodTurn, pod: Pod): Decision {
  const { record, nowMs } = turn;
  const mayBegin = containersThatMayBegin(record, pod);
  const steps = everyContainer(pod).map((container) => stepFor(turn, pod, container, mayBegin.has(container.name)));
  const isHeld = (startWaits(pod).length > 0 && !hasRun(record)) || (isExclusive(pod) && !turn.isConfirmedSet);
  // A pod that waits for others fetches its image meanwhile, and no more: configs are read once it may start.
  const hook = (isHeld ? EARLY_HOOKS : HOOKS).find((name) => !turn.facts.up.has(name));
  const deadline = deadlineMs(record, pod);
  const resizeAgain = record.resize === undefined ? [] : [limit("resizeRetryMs")];
  const again = [...waits(steps), ...resizeAgain, ...(deadline === undefined ? [] : [deadline - nowMs])];
  if (hook === undefined || !steps.some((step) => step.is === "make")) {
    const actions = isHeld ? acts(steps) : allActions(steps);
    const { known, late, waitMs } = lateImages(turn, pod, actions);
    return { record, actions: [...known, ...late, ...refreshes(turn)], againMs: soonest([...again, ...waitMs]) };
  }
  const waitMs = record.hookFailure === undefined ? 0 : record.hookFailure.retryAtMs - nowMs;
  if (waitMs > 0) return { record, actions: acts(steps), againMs: soonest([...again, waitMs]) };
  return { record, actions: [...acts(steps), { do: "prepare", hook }], againMs: soonest(again) };
}

/** Containers that were added to a pod after it was prepared, or given another image, need their images first; the others do not wait for them. */
function lateImages(
  { facts, record, nowMs }: PodTurn,
  pod: Pod,
  actions: readonly Action[],
): { readonly known: readonly Action[]; readonly late: readonly Action[]; readonly waitMs: readonly number[] } {
  const isLate = (action: Action): boolean => action.do === "create" && isImageLate(facts, pod, action.container);
  const known = actions.filter((action) => !isLate(action));
  if (known.length === actions.length) return { known, late: [], waitMs: [] };
  const leftMs = (record.hookFailure?.retryAtMs ?? 0) - nowMs;
  return leftMs > 0
    ? { known, late: [], waitMs: [leftMs] }
    : { known, late: [{ do: "prepare", hook: "image" }], waitMs: [] };
}

function isImageLate({ images, imageNames }: PodFacts, pod: Pod, name: string): boolean {
  if (isEphemeral(pod, name) && !images.has(name)) return true;
  const fetched = imageNames.get(name);
  return fetched !== undefined && fetched !== everyContainer(pod).find((one) => one.name === name)?.image;
}

/** A pod that was prepared, by this agent or the one before, follows changes of its configs while it runs. */
function refreshes({ facts, record }: PodTurn): readonly Action[] {
  return facts.configsSeenCount < facts.configChangeCount && hasRun(record) ? [{ do: "refresh" }] : [];
}

/** Dependencies count for the first start alone: what has run is started again whatever became of them. */
function hasRun(record: PodRecord): boolean {
  return Object.values(record.containers).some(
    ({ startedAtMs, last }) => startedAtMs !== undefined || last !== undefined,
  );
}

/**
 * True for a pod that must not run twice: one of a stateful set, or with a volume that outlives it. What ran here before the host was cut off or restarted may
 * run elsewhere by now, so nothing of it is started from memory alone.
 */
function isExclusive(pod: Pod): boolean {
  return controllerOf(pod)?.kind === "StatefulSet" || claimsOfPod(pod).length > 0;
}

/** Hooks that a pod may have before what it starts after is there. */
const EARLY_HOOKS: readonly HookName[] = ["image"];

/** Init containers up to the first that others wait for; once all have done their work, the sidecars and all others. */
function containersThatMayBegin(record: PodRecord, pod: Pod): ReadonlySet<string> {
  const { initContainers = [], containers = [], ephemeralContainers = [] } = pod.spec ?? {};
  const sidecars = initContainers.filter(isSidecar);
  if (record.isInitialized) {
    const begun = containers.filter(({ name }) => awaitedBy(record, pod, name).length === 0);
    return new Set([...sidecars, ...begun, ...ephemeralContainers].map(({ name }) => name));
  }
  const at = initContainers.findIndex((one) => !isSettled(one, containerRecord(record, one.name)));
  return new Set(initContainers.slice(0, at + 1).map(({ name }) => name));
}

function stepFor(turn: PodTurn, pod: Pod, container: Container, mayBegin: boolean): Step {
  const { name } = container;
  const record = containerRecord(turn.record, name);
  const waitMs = record.retryAtMs - turn.nowMs;
  const stale = turn.containers.find((seen) => seen.container === name && seen.attempt !== record.attempt);
  if (stale !== undefined) return { is: "act", action: { do: "remove", container: name, attempt: stale.attempt } };
  const current = turn.containers.find((seen) => seen.container === name);
  const pause = current === undefined ? undefined : pauseStep(current, pod, record.ending !== undefined);
  if (pause !== undefined) return pause;
  if (current?.state.is === "running" && record.ending !== undefined) {
    const hasHook = container.lifecycle?.preStop !== undefined && !isOneOff(pod, name);
    return endStep(current, record.ending, { nowMs: turn.nowMs, hasHook, holdMs: 0 });
  }
  if (current?.state.is === "running" && record.allocated !== undefined) return resizeStep(current, record, turn.nowMs);
  if (current !== undefined) return stepForExisting(current, waitMs);
  if (!mayBegin || !willRunAgain(pod, container, record)) return { is: "rest" };
  if (waitMs > 0) return { is: "wait", ms: waitMs };
  return { is: "make", action: { do: "create", container: name, attempt: record.attempt } };
}

function resizeStep({ container, attempt }: ObservedContainer, record: ContainerRecord, nowMs: number): Step {
  const waitMs = (record.resizeFailure?.retryAtMs ?? 0) - nowMs;
  return waitMs > 0 ? { is: "wait", ms: waitMs } : { is: "act", action: { do: "resize", container, attempt } };
}

function stepForExisting(seen: ObservedContainer, waitMs: number): Step {
  const { container, attempt, state } = seen;
  switch (state.is) {
    case "running":
      return { is: "rest" };
    case "creating":
      return { is: "wait", ms: limit("containerRecheckMs") };
    case "created":
      return waitMs > 0 ? { is: "wait", ms: waitMs } : { is: "act", action: { do: "start", container, attempt } };
    case "exited":
    case "broken":
      return { is: "act", action: { do: "remove", container, attempt } };
    default:
      return assertNever(state);
  }
}

/** The pod is over: what still runs, such as sidecars, is ended, what the pod needed is given back; its object and logs stay. */
function finish(turn: PodTurn, pod: Pod): Decision {
  if (turn.containers.length === 0) return { record: turn.record, actions: release(turn), againMs: undefined };
  const isRunning = turn.containers.some(({ state }) => state.is === "running" || state.is === "creating");
  if (!isRunning) return { record: turn.record, actions: removals(turn.containers), againMs: undefined };
  const { failure } = turn.record;
  const graceSeconds = powerOf(pod).graceSeconds ?? graceSecondsOf(pod);
  return end(turn, pod, {
    graceMs: failure?.graceMs ?? graceSeconds * 1000,
    why: (container) => (failure === undefined ? `stopping container ${container}` : failure.message),
  });
}

/** The next hook to take down, the last first; then the pod's folders. */
function release({ facts, desired, record }: PodTurn): Action[] {
  const hook = HOOKS.findLast((name) => !facts.down.has(name));
  if (hook !== undefined) return [{ do: "release", hook, keepsFiles: hasLastingFiles(desired, record) }];
  return facts.isCleared ? [] : [{ do: "clear" }];
}

/** Ends the containers, then gives everything back, then tells the control plane, then forgets. */
function stop(turn: PodTurn, pod: Pod | undefined): Decision {
  const record = noteStop(turn);
  const noted = { ...turn, record };
  if (turn.containers.length > 0) {
    const graceMs = pod === undefined ? limit("orphanGraceMs") : graceSecondsOf(pod) * 1000;
    return end(noted, pod, { graceMs, why: (container) => `stopping container ${container}` });
  }
  const released = release(noted);
  if (released.length > 0) return { record, actions: released, againMs: undefined };
  if (pod === undefined) return { record, actions: [{ do: "forget" }], againMs: undefined };
  return turn.facts.isConfirmed
    ? idle(record, undefined)
    : { record, actions: [{ do: "confirm" }], againMs: undefined };
}

function noteStop({ record, nowMs }: PodTurn): PodRecord {
  return record.stop === undefined ? { ...record, stop: { sinceMs: nowMs } } : record;
}

function end(
  turn: PodTurn,
  pod: Pod | undefined,
  how: { readonly graceMs: number; readonly why: (container: string) => string },
): Decision {
  const noted = noteStop(turn);
  const stop = withCutOver(turn, noted.stop ?? { sinceMs: turn.nowMs });
  const record = { ...noted, stop };
  const holdMs = how.graceMs === 0 ? 0 : withdrawalWaitMs(turn, stop);
  return windDown({ ...turn, record }, pod, { ...how, sinceMs: stop.sinceMs, holdMs });
}

/** Notes when all nodes have come to lead elsewhere. After the bound of the wait it does not matter any more. */
function withCutOver({ withdrawal, cutOverRevision, nowMs }: PodTurn, stop: StopRecord): StopRecord {
  const isCutOver = withdrawal.is === "withdrawn" && cutOverRevision >= withdrawal.revision;
  const isWaiting = stop.cutOverAtMs === undefined && nowMs < stop.sinceMs + limit("withdrawWaitMs");
  return isCutOver && isWaiting ? { ...stop, cutOverAtMs: nowMs } : stop;
}

/**
 * Milliseconds until the stop signal may be sent: 0 when no node may send traffic any more, and what was on its way has had time to be
 * answered. A server that exits at the signal would cut it off.
 */
function withdrawalWaitMs({ withdrawal, nowMs }: PodTurn, { sinceMs, cutOverAtMs }: StopRecord): number {
  if (withdrawal.is === "none") return 0;
  const untilMs = cutOverAtMs === undefined ? sinceMs + limit("withdrawWaitMs") : cutOverAtMs + limit("answerWaitMs");
  return Math.max(0, untilMs - nowMs);
}
