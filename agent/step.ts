import { assertNever } from "../lib/errors.js";
import { limit } from "../lib/limits.js";
import type { Action } from "./actions.js";
import type { Ending } from "./pod-record.js";
import type { ContainerKey } from "./runtime/runtime.js";

/** What one container needs now. `make` needs the hooks to be up first; `act` does not. */
export type Step =
  | { readonly is: "rest" }
  | { readonly is: "wait"; readonly ms: number }
  | { readonly is: "act"; readonly action: Action }
  | { readonly is: "make"; readonly action: Action };

/** The actions among steps that can be carried out at once. */
export function acts(steps: readonly Step[]): Action[] {
  return steps.flatMap((step) => (step.is === "act" ? [step.action] : []));
}

/** The waits among steps. */
export function waits(steps: readonly Step[]): number[] {
  return steps.flatMap((step) => (step.is === "wait" ? [step.ms] : []));
}

/** The shortest wait; undefined when there is none. */
export function soonest(all: readonly number[]): number | undefined {
  return all.length === 0 ? undefined : Math.max(0, Math.min(...all));
}

/** The shorter of two waits that there may be. */
export function earlier(left: number | undefined, right: number | undefined): number | undefined {
  return left === undefined || right === undefined ? (left ?? right) : Math.min(left, right);
}

/** What the end of a run depends on beside how far it has come. */
export interface EndGround {
  readonly nowMs: number;
  /** Whether a preStop hook goes before the stop signal. */
  readonly hasHook: boolean;
  /** The stop signal is held back this long, since a node may still send requests. */
  readonly holdMs: number;
}

/**
 * The next step towards the end of a run that lives: its hook, the stop signal once, SIGKILL when the grace is over, and SIGKILL again while that
 * has not worked. A hook runs beside all this, as a check of the container.
 */
export function endStep(run: ContainerKey, ending: Ending, { nowMs, hasHook, holdMs }: EndGround): Step {
  const { sinceMs, graceMs, signalledAtMs, killedAtMs } = ending;
  if (killedAtMs !== undefined) return signalAt(run, "SIGKILL", killedAtMs + limit("stopAgainMs") - nowMs);
  if (graceMs === 0) return signalAt(run, "SIGKILL", 0);
  if (signalledAtMs === undefined) {
    const hookMs = hasHook && !ending.isHookOver ? sinceMs + graceMs - nowMs : 0;
    return signalAt(run, "", Math.max(hookMs, holdMs));
  }
  const graceEndMs = (hasHook ? sinceMs : signalledAtMs) + graceMs;
  const leastMs = signalledAtMs + Math.min(graceMs, limit("leastGraceMs"));
  return signalAt(run, "SIGKILL", Math.max(graceEndMs, leastMs) - nowMs);
}

function signalAt({ container, attempt }: ContainerKey, signal: "" | "SIGKILL", waitMs: number): Step {
  if (waitMs > 0) return { is: "wait", ms: waitMs };
  return { is: "act", action: { do: "signal", container, attempt, signal } };
}

/** The actions of steps that need nothing before them, and of those that do. */
export function allActions(steps: readonly Step[]): Action[] {
  return steps.flatMap((step) => {
    switch (step.is) {
      case "act":
      case "make":
        return [step.action];
      case "rest":
      case "wait":
        return [];
      default:
        return assertNever(step);
    }
  });
}
