import type { SchedulerState } from "./scheduler-state.js";

/**
 * What is left of the groups of pods that have to go, where it could do nothing without them: it has to go too, for it would only hold what others wait for. None of those
 * named is among it, and nobody who is on his way out.
 */
export function remnantsOf({ gangs, snapshot }: SchedulerState, ids: readonly string[]): readonly string[] {
  const leaving = new Set(ids);
  const isLeaving = (id: string): boolean => leaving.has(id) || snapshot.tenant(id)?.tenure.isEnding === true;
  return [...new Set(ids.flatMap((id) => gangs.remnantOf(id, isLeaving)))];
}
