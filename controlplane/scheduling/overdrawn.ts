import type { Amounts } from "../../scheduler/pod-requests.js";
import { addUse, overdrawnBy, type QueueState } from "../../scheduler/queue-room.js";
import { isBefore, type WaitingPod } from "./backlog.js";

/** A pod that was let in and has no node. */
export interface LetIn {
  readonly pod: WaitingPod;
  readonly amounts: Amounts;
  /** Undefined: its queue is gone. */
  readonly state: QueueState | undefined;
}

/**
 * Who has to wait for quota again, now that there is less of it: the last of those that have no node, one after the other, as long as their queue uses more than it may of something that
 * they use, and all of a queue that is gone. Of a pod group all go together. The queues are left as they were.
 */
export function overdrawn(
  letIn: readonly LetIn[],
  cohortOf: (state: QueueState) => readonly QueueState[],
): readonly string[] {
  const groups = new Map<string, LetIn[]>();
  for (const each of letIn) {
    const key = each.pod.group || each.pod.id;
    groups.set(key, [...(groups.get(key) ?? []), each]);
  }
  const gone = new Map<string, LetIn>();
  for (const each of letIn.toSorted((left, right) => (isBefore(left.pod, right.pod) ? 1 : -1))) {
    if (gone.has(each.pod.id) || !isTooMuch(each, cohortOf)) continue;
    for (const mate of groups.get(each.pod.group || each.pod.id) ?? []) {
      if (mate.state !== undefined) addUse(mate.state, mate.amounts, -1);
      gone.set(mate.pod.id, mate);
    }
  }
  for (const { state, amounts } of gone.values()) if (state !== undefined) addUse(state, amounts, 1);
  return [...gone.keys()];
}

function isTooMuch({ state, amounts }: LetIn, cohortOf: (state: QueueState) => readonly QueueState[]): boolean {
  if (state === undefined) return true;
  return overdrawnBy(state, cohortOf(state)).some((resource) => (amounts.get(resource) ?? 0) > 0);
}
