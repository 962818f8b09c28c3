import { isPauseAsked } from "../kinds/paused.js";
import type { Pod } from "../proto/gen/tallship/v1/pod.js";
import type { ObservedContainer } from "./runtime/runtime.js";
import type { Step } from "./step.js";

/**
 * The step that has a run stand still, or go on, when it does not do as its user asks. What is to end goes on first: while it stands still it heeds no
 * signal and no hook.
 */
export function pauseStep(run: ObservedContainer, pod: Pod | undefined, isEnding: boolean): Step | undefined {
  const { container, attempt, state } = run;
  if (state.is !== "running") return undefined;
  const isWanted = !isEnding && pod !== undefined && isPauseAsked(pod, run);
  if (isWanted === isPaused(run)) return undefined;
  return { is: "act", action: { do: isWanted ? "pause" : "unpause", container, attempt } };
}

/** True for a run whose processes stand still. */
export function isPaused({ state }: ObservedContainer): boolean {
  return state.is === "running" && state.isPaused === true;
}
