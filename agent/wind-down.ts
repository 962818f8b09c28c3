import { everyContainer, sidecarsOf } from "../kinds/pod-containers.js";
import { limit } from "../lib/limits.js";
import type { Pod } from "../proto/gen/tallship/v1/pod.js";
import type { Action } from "./actions.js";
import { newEnding } from "./checks/note-verdict.js";
import { pauseStep } from "./pause-step.js";
import { containerRecord, type PodRecord, withContainer } from "./pod-record.js";
import type { PodTurn } from "./pod-turn.js";
import type { ObservedContainer } from "./runtime/runtime.js";
import { acts, endStep, soonest, waits } from "./step.js";

/** How a pod's containers are to end. */
export interface WindDown {
  /** From `sinceMs` on, for all of them together. */
  readonly graceMs: number;
  readonly sinceMs: number;
  /** The stop signals are held back this long. */
  readonly holdMs: number;
  readonly why: (container: string) => string;
}

/**
 * The next steps towards the end of all containers: first those that do the pod's work, then its sidecars one by one, the last that started
 * first. All share one grace; a sidecar whose turn comes when that is used up gets limits.leastGraceMs.
 */
export function windDown(
  turn: PodTurn,
  pod: Pod | undefined,
  how: WindDown,
): { readonly record: PodRecord; readonly actions: readonly Action[]; readonly againMs: number | undefined } {
  const isCurrent = ({ container, attempt }: ObservedContainer): boolean =>
    attempt === containerRecord(turn.record, container).attempt;
  const living = turn.containers.filter((run) => isLiving(run) && isCurrent(run));
  const creating = turn.containers.some(({ state }) => state.is === "creating");
  const due = dueToEnd(living, pod);
  const record = due.reduce((soFar, run) => withEnding(soFar, run, how, turn.nowMs), turn.record);
  const steps = due.map((run) => {
    const { ending } = containerRecord(record, run.container);
    if (ending === undefined) return { is: "rest" } as const;
    return (
      pauseStep(run, pod, true) ??
      endStep(run, ending, { nowMs: turn.nowMs, hasHook: hasHook(pod, run.container), holdMs: how.holdMs })
    );
  });
  const gone = turn.containers.filter((run) => !living.includes(run) && run.state.is !== "creating");
  const signals = acts(steps);
  const again = [...waits(steps), ...(creating ? [limit("containerRecheckMs")] : [])];
  const signalAgain = signals.length > 0 ? [limit("stopAgainMs")] : [];
  return {
    record,
    actions: [...removals(gone), ...signals],
    againMs: soonest([...again, ...signalAgain]),
  };
}

/** The removal of each run. */
export function removals(runs: readonly ObservedContainer[]): Action[] {
  return runs.map(({ container, attempt }) => ({ do: "remove", container, attempt }));
}

function isLiving({ state }: ObservedContainer): boolean {
  return state.is === "running";
}

/** Everything but sidecars; when none of that lives, the sidecar that started last of those that live. */
function dueToEnd(living: readonly ObservedContainer[], pod: Pod | undefined): readonly ObservedContainer[] {
  const sidecars = pod === undefined ? [] : sidecarsOf(pod).map(({ name }) => name);
  const others = living.filter(({ container }) => !sidecars.includes(container));
  if (others.length > 0) return others;
  const last = sidecars.findLast((name) => living.some(({ container }) => container === name));
  return living.filter(({ container }) => container === last);
}

/** With an ending under way, as of an unhealthy container, the shorter grace counts. */
function withEnding(record: PodRecord, { container }: ObservedContainer, how: WindDown, nowMs: number): PodRecord {
  const { ending } = containerRecord(record, container);
  if (ending !== undefined) {
    if (ending.graceMs <= how.graceMs) return record;
    return withContainer(record, container, { ending: { ...ending, graceMs: how.graceMs } });
  }
  const leftMs = how.sinceMs + how.graceMs - nowMs;
  const graceMs = how.graceMs === 0 ? 0 : Math.max(leftMs, Math.min(how.graceMs, limit("leastGraceMs")));
  return withContainer(record, container, { ending: newEnding(how.why(container), graceMs, nowMs) });
}

function hasHook(pod: Pod | undefined, name: string): boolean {
  const container = pod === undefined ? undefined : everyContainer(pod).find((one) => one.name === name);
  return container?.lifecycle?.preStop !== undefined;
}
