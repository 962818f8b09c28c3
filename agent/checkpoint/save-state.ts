import type { Action } from "../actions.js";
import type { PodFacts } from "../pod-turn.js";
import type { Checkpoint, SavedPod } from "./checkpoint.js";

/** A pod as the loop holds it. */
export interface SavableState {
  readonly desired: SavedPod["pod"];
  readonly record: SavedPod["record"];
  readonly facts: Pick<PodFacts, "configs">;
  /** Whether all of this is on disk. */
  isSaved: boolean;
}

/** Actions that only take away: they are what makes room on a disk that is full. */
const TAKING: ReadonlySet<Action["do"]> = new Set(["signal", "remove", "release", "clear", "confirm", "forget"]);

/**
 * Writes a pod down before the actions that follow from it. What changes while it is written is written again, and so is what could not be: then nothing is begun, but what is to end ends, lest a
 * full disk stays full. Throws disk_failed.
 */
export async function saveState(
  state: SavableState,
  checkpoint: Pick<Checkpoint, "save">,
  actions: readonly Action[],
): Promise<void> {
  if (state.isSaved) return;
  const { record, desired: pod, facts } = state;
  state.isSaved = true;
  try {
    await checkpoint.save({ record, pod, configs: facts.configs });
  } catch (error) {
    state.isSaved = false;
    const onlyTakes = actions.length > 0 && actions.every((action) => TAKING.has(action.do));
    if (!onlyTakes) throw error;
  }
}
