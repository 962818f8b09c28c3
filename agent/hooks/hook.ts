import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import type { HookName } from "../actions.js";
import type { PodFacts } from "../pod-turn.js";

/** A pod that is being prepared, and what the hooks before this one found out. */
export interface HookInput {
  readonly uid: string;
  readonly pod: Pod;
  readonly facts: PodFacts;
}

/**
 * One thing that a pod needs before its containers. `up` done twice equals done once; `down` is safe if `up` never ran, or ran in an agent
 * that died in the middle. Failures are thrown and tried again with backoff.
 */
export interface Hook {
  readonly name: HookName;
  /** Returns the facts that it adds. */
  up(input: HookInput, signal: AbortSignal): Promise<Partial<PodFacts>>;
  down(uid: string, signal: AbortSignal): Promise<void>;
}
