import { DEFAULT_GRACE_SECONDS, isDeleting } from "../kinds/pod-state.js";
import { startWaits } from "../kinds/start-after.js";
import { assertNever } from "../lib/errors.js";
import { limit } from "../lib/limits.js";
import type { Container } from "../proto/gen/tallship/v1/container.js";
import type { Pod } from "../proto/gen/tallship/v1/pod.js";
import { type Action, HOOKS, type HookName } from "./actions.js";
import { noteContainers } from "./note-containers.js";
import { containerRecord, type PodRecord } from "./pod-record.js";
import type { PodTurn } from "./pod-turn.js";
import { isPodOver, willRunAgain } from "./restart-policy.js";
import type { ObservedContainer } from "./runtime/runtime.js";

/** What to do for a pod now. The actions may run side by side; afterwards the pod is looked at again. */
export interface PodPlan {
  /** What must be remembered before any of the actions is carried out. */
  readonly record: PodRecord;
  readonly actions: readonly Action[];
  /** Look again after this many milliseconds, even if nothing changes. */
  readonly againMs: number | undefined;
}

/**
 * Decides about one pod. Pure: the same turn gives the same plan, and a plan whose actions have been carried out is followed by one that
 * goes on from there, whoever carried them out. Ends in no actions when the machine is as wanted.
 */
export function plan(turn: PodTurn): PodPlan {
  const record = noteContainers(turn);
  const noted = { ...turn, record };
  const pod = turn.desired;
  if (pod === undefined) return turn.isConfirmedSet ? stop(noted, undefined) : idle(record);
  if (isDeleting(pod)) return stop(noted, pod);
  if (isPodOver(pod, record)) return finish(noted);
  return run(noted, pod);
}

function idle(record: PodRecord): PodPlan {
  return { record, actions: [], againMs: undefined };
}

/** Keeps every container that should run running. */
function run(turn: PodTurn, pod: Pod): PodPlan {
  const steps = (pod.spec?.containers ?? []).map((container) => stepFor(turn, pod, container));
  const needsRun = steps.some((step) => step.is === "make");
  const isHeld = startWaits(pod).length > 0 && !hasRun(turn.record);
  // A pod that waits for others fetches its image meanwhile, and no more: configs are read once it may start.
  const hook = (isHeld ? EARLY_HOOKS : HOOKS).find((name) => !turn.facts.up.has(name));
  const again = steps.flatMap((step) => (step.is === "wait" ? [step.ms] : []));
  if (needsRun && hook !== undefined) {
    const waitMs = turn.record.hookFailure === undefined ? 0 : turn.record.hookFailure.retryAtMs - turn.nowMs;
    if (waitMs > 0) return { record: turn.record, actions: acts(steps), againMs: soonest([...again, waitMs]) };
    return { record: turn.record, actions: [...acts(steps), { do: "prepare", hook }], againMs: soonest(again) };
  }
  const makes = isHeld ? [] : steps.flatMap((step) => (step.is === "make" ? [step.action] : []));
  return { record: turn.record, actions: [...acts(steps), ...makes], againMs: soonest(again) };
}

/** Dependencies count for the first start alone: what has run is started again whatever became of them. */
function hasRun(record: PodRecord): boolean {
  return Object.values(record.containers).some(
    ({ startedAtMs, last }) => startedAtMs !== undefined || last !== undefined,
  );
}

/** Hooks that a pod may have before what it starts after is there. */
const EARLY_HOOKS: readonly HookName[] = ["image"];

/** `make` needs the hooks to be up first; `act` does not. */
type Step =
  | { readonly is: "rest" }
  | { readonly is: "wait"; readonly ms: number }
  | { readonly is: "act"; readonly action: Action }
  | { readonly is: "make"; readonly action: Action };

function acts(steps: readonly Step[]): Action[] {
  return steps.flatMap((step) => (step.is === "act" ? [step.action] : []));
}

function soonest(waits: readonly number[]): number | undefined {
  return waits.length === 0 ? undefined : Math.max(0, Math.min(...waits));
}

function stepFor(turn: PodTurn, pod: Pod, { name }: Container): Step {
  const record = containerRecord(turn.record, name);
  const waitMs = record.retryAtMs - turn.nowMs;
  const stale = turn.containers.find((seen) => seen.container === name && seen.attempt !== record.attempt);
  if (stale !== undefined) return { is: "act", action: { do: "remove", container: name, attempt: stale.attempt } };
  const current = turn.containers.find((seen) => seen.container === name);
  if (current !== undefined) return stepForExisting(current, waitMs);
  if (!willRunAgain(pod, record)) return { is: "rest" };
  if (waitMs > 0) return { is: "wait", ms: waitMs };
  return { is: "make", action: { do: "create", container: name, attempt: record.attempt } };
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

/** All containers have ended for good: what they needed is given back, the pod's object and logs stay. */
function finish(turn: PodTurn): PodPlan {
  if (turn.containers.length > 0)
    return { record: turn.record, actions: removals(turn.containers), againMs: undefined };
  return { record: turn.record, actions: release(turn), againMs: undefined };
}

function removals(containers: readonly ObservedContainer[]): Action[] {
  return containers.map(({ container, attempt }) => ({ do: "remove", container, attempt }));
}

/** The next hook to take down, the last first; then the pod's folders. */
function release({ facts }: PodTurn): Action[] {
  const hook = HOOKS.findLast((name) => !facts.down.has(name));
  if (hook !== undefined) return [{ do: "release", hook }];
  return facts.isCleared ? [] : [{ do: "clear" }];
}

/** Ends the containers, then gives everything back, then tells the control plane, then forgets. */
function stop(turn: PodTurn, pod: Pod | undefined): PodPlan {
  const stopping = turn.record.stop ?? { sinceMs: turn.nowMs, signalledAtMs: undefined, killedAtMs: undefined };
  const record = turn.record.stop === undefined ? { ...turn.record, stop: stopping } : turn.record;
  const noted = { ...turn, record };
  if (turn.containers.length > 0) return stopContainers(noted, stopping, graceMs(pod));
  const released = release(noted);
  if (released.length > 0) return { record, actions: released, againMs: undefined };
  if (pod === undefined) return { record, actions: [{ do: "forget" }], againMs: undefined };
  if (turn.facts.isConfirmed) return idle(record);
  return { record, actions: [{ do: "confirm" }], againMs: undefined };
}

function graceMs(pod: Pod | undefined): number {
  if (pod === undefined) return limit("orphanGraceMs");
  const seconds =
    pod.metadata?.deletionGracePeriodSeconds ?? pod.spec?.terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS;
  return seconds * 1000;
}

function stopContainers(turn: PodTurn, stopping: NonNullable<PodRecord["stop"]>, grace: number): PodPlan {
  const { record, nowMs } = turn;
  const running = turn.containers.filter(({ state }) => state.is === "running");
  const creating = turn.containers.some(({ state }) => state.is === "creating");
  const actions = removals(turn.containers.filter(({ state }) => state.is !== "running" && state.is !== "creating"));
  const again = creating ? [limit("containerRecheckMs")] : [];
  if (running.length === 0) return { record, actions, againMs: soonest(again) };
  const waitMs = grace === 0 ? 0 : withdrawalWaitMs(turn, stopping.sinceMs);
  const signal = nextSignal(stopping, grace, nowMs);
  if (waitMs > 0 && stopping.signalledAtMs === undefined)
    return { record, actions, againMs: soonest([...again, waitMs]) };
  if (signal.atMs > nowMs) return { record, actions, againMs: soonest([...again, signal.atMs - nowMs]) };
  const signals = running.map(
    ({ container, attempt }): Action => ({ do: "signal", container, attempt, signal: signal.name }),
  );
  return { record, actions: [...actions, ...signals], againMs: soonest([...again, limit("stopAgainMs")]) };
}

/** The stop signal once, SIGKILL when the grace is over, and SIGKILL again while that has not worked. */
function nextSignal(
  stopping: NonNullable<PodRecord["stop"]>,
  grace: number,
  nowMs: number,
): { readonly name: "" | "SIGKILL"; readonly atMs: number } {
  if (stopping.killedAtMs !== undefined) return { name: "SIGKILL", atMs: stopping.killedAtMs + limit("stopAgainMs") };
  if (grace === 0) return { name: "SIGKILL", atMs: nowMs };
  if (stopping.signalledAtMs === undefined) return { name: "", atMs: nowMs };
  return { name: "SIGKILL", atMs: stopping.signalledAtMs + grace };
}

/** Milliseconds until the stop signal may be sent although a node may still send traffic; 0 when none does. */
function withdrawalWaitMs({ withdrawal, cutOverRevision, nowMs }: PodTurn, sinceMs: number): number {
  const isFree = withdrawal.is === "none" || (withdrawal.is === "withdrawn" && cutOverRevision >= withdrawal.revision);
  return isFree ? 0 : Math.max(0, sinceMs + limit("withdrawWaitMs") - nowMs);
}
