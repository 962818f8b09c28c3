import type { Amounts } from "../../scheduler/pod-requests.js";
import { addUse, borrowedBy, type QueueState, roomIn } from "../../scheduler/queue-room.js";
import type { Charge } from "./charge.js";

/**
 * How important a pod is: its priority, then when it started (what started later is less important). Unplaced: it was let in and has no node, so
 * that it loses nothing but its turn. Going: it frees its quota soon.
 */
export type Importance = readonly [number, string] | "unplaced" | "going" | undefined;

/** A queue that wants back what others borrow. */
export interface Reclaim {
  readonly claimant: QueueState;
  /** The claimant's cohort, itself among it. */
  readonly cohort: readonly QueueState[];
  readonly amounts: Amounts;
  /** All pods that use quota. */
  readonly charges: ReadonlyMap<string, Charge>;
  /** Undefined for pods for which room is being made. */
  readonly importance: (id: string) => Importance;
}

interface Candidate {
  readonly id: string;
  readonly state: QueueState;
  readonly amounts: Amounts;
}

/**
 * Who has to go, the least important pods of queues that borrow, as few as it takes, so that the claimant's next pods have room. None when
 * those that are going already suffice, or when all that may go would not. The queues are left as they were.
 */
export function reclaim({ claimant, cohort, amounts, charges, importance }: Reclaim): readonly string[] {
  const states = new Map(cohort.filter((state) => state !== claimant).map((state) => [state.name, state]));
  const all = [...charges].flatMap(([id, charge]) => {
    const state = states.get(charge.queue);
    const own = state === undefined ? undefined : importance(id);
    return state === undefined || own === undefined ? [] : [{ id, state, amounts: charge.amounts, own }];
  });
  const going = all.filter(({ own }) => own === "going");
  const others = all
    .flatMap(({ own, ...candidate }) => (own === "going" ? [] : [{ ...candidate, own: rankOf(own) }]))
    .sort(({ own: [left, since], id }, { own: [right, other], id: otherId }) =>
      left !== right ? left - right : since !== other ? (since > other ? -1 : 1) : id < otherId ? -1 : 1,
    );
  const gone: Candidate[] = [];
  const take = (candidate: Candidate): void => {
    addUse(candidate.state, candidate.amounts, -1);
    gone.push(candidate);
  };
  const isEnough = (): boolean => roomIn(claimant, cohort, amounts) !== "none";
  going.forEach(take);
  const victims: Candidate[] = [];
  for (const candidate of others) {
    if (isEnough()) break;
    if (!isBorrowing(candidate)) continue;
    take(candidate);
    victims.push(candidate);
  }
  const needed = isEnough() ? spared(victims, isEnough) : [];
  for (const { state, amounts: own } of gone) addUse(state, own, 1);
  return needed.map(({ id }) => id);
}

/** Who has no node yet goes before all who have one. */
function rankOf(own: Exclude<Importance, "going" | undefined>): readonly [number, string] {
  return own === "unplaced" ? [Number.NEGATIVE_INFINITY, ""] : own;
}

/** A pod of a queue that uses no more than its own quota of anything that the pod uses stays. */
function isBorrowing({ state, amounts }: Candidate): boolean {
  return borrowedBy(state).some((resource) => (amounts.get(resource) ?? 0) > 0);
}

/** Those that really have to go: the most important are put back first, as long as there is room enough without them. */
function spared(victims: readonly Candidate[], isEnough: () => boolean): readonly Candidate[] {
  const needed = victims.toReversed().filter(({ state, amounts }) => {
    addUse(state, amounts, 1);
    if (isEnough()) return false;
    addUse(state, amounts, -1);
    return true;
  });
  // As they were: whoever took them away puts all of them back.
  for (const victim of victims) if (!needed.includes(victim)) addUse(victim.state, victim.amounts, -1);
  return needed;
}
