import type { Amounts } from "./pod-requests.js";

/** A queue, as far as it decides who may be placed. */
export interface QueueState {
  readonly name: string;
  /** Empty: the queue is alone. */
  readonly cohort: string;
  readonly quota: Amounts;
  /** Most beyond quota; what is not named is not bounded. */
  readonly borrowing: Amounts;
  /** Most of quota that others may use; what is not named may be lent whole. */
  readonly lending: Amounts;
  readonly priority: number;
  readonly reclaims: boolean;
  /** What its pods use that were let in. */
  readonly used: Map<string, number>;
}

/** What a queue may still let in: within its own quota, with what others lend it, or not now. */
export type QueueRoom = "own" | "borrowed" | "none";

/** Whether the queue has room for so much. Its cohort is all queues of the cohort, the queue among them. */
export function roomIn(queue: QueueState, cohort: readonly QueueState[], asked: Amounts): QueueRoom {
  let room: QueueRoom = "own";
  for (const [resource, quota] of queue.quota) {
    const more = asked.get(resource) ?? 0;
    const after = (queue.used.get(resource) ?? 0) + more;
    if (more === 0) continue;
    if (after > quota) {
      if (queue.cohort === "" || after > quota + (queue.borrowing.get(resource) ?? Number.POSITIVE_INFINITY))
        return "none";
      room = "borrowed";
    }
    if (queue.cohort !== "" && !isInPool(queue, cohort, resource, more)) return "none";
  }
  return room;
}

/** True when so much is within the queue's own quota, whoever uses it now. */
export function isOwn({ quota, used }: QueueState, asked: Amounts): boolean {
  for (const [resource, most] of quota)
    if ((asked.get(resource) ?? 0) > 0 && (used.get(resource) ?? 0) + (asked.get(resource) ?? 0) > most) return false;
  return true;
}

/** Resources of which the queue uses more than its quota. */
export function borrowedBy({ quota, used }: QueueState): readonly string[] {
  return [...quota].filter(([resource, most]) => (used.get(resource) ?? 0) > most).map(([resource]) => resource);
}

/**
 * Resources of which the queue uses more than it may since quotas have shrunk: more than its own and what it may borrow, or what it borrows is more than its cohort lends. What a queue
 * uses within its own quota is never among them.
 */
export function overdrawnBy(queue: QueueState, cohort: readonly QueueState[]): readonly string[] {
  return borrowedBy(queue).filter((resource) => {
    const most = (queue.quota.get(resource) ?? 0) + (queue.borrowing.get(resource) ?? Number.POSITIVE_INFINITY);
    const isBeyond = queue.cohort === "" || (queue.used.get(resource) ?? 0) > most;
    return isBeyond || !isInPool(queue, cohort, resource, 0);
  });
}

/** The largest share of any of its quotas that the queue would use with so much more. What has no quota but is used counts as all. */
export function dominantShare({ quota, used }: QueueState, asked: Amounts): number {
  let share = 0;
  for (const [resource, most] of quota) {
    const after = (used.get(resource) ?? 0) + (asked.get(resource) ?? 0);
    if (after > 0) share = Math.max(share, most === 0 ? Number.POSITIVE_INFINITY : after / most);
  }
  return share;
}

/** Counts what pods use, or no longer. */
export function addUse({ used }: Pick<QueueState, "used">, amounts: Amounts, sign: 1 | -1): void {
  for (const [resource, amount] of amounts) {
    const sum = (used.get(resource) ?? 0) + sign * amount;
    if (sum === 0) used.delete(resource);
    else used.set(resource, sum);
  }
}

/** What each queue lends makes the pool; what each uses beyond what it keeps for itself is taken from it. A queue that has no quota of the resource is not bounded by it and takes nothing. */
function isInPool(queue: QueueState, cohort: readonly QueueState[], resource: string, more: number): boolean {
  let pool = 0;
  let taken = 0;
  for (const each of cohort) {
    const quota = each.quota.get(resource);
    if (quota === undefined) continue;
    const lent = Math.min(quota, each.lending.get(resource) ?? quota);
    const used = (each.used.get(resource) ?? 0) + (each === queue ? more : 0);
    pool += lent;
    taken += Math.max(0, used - (quota - lent));
  }
  return taken <= pool;
}
