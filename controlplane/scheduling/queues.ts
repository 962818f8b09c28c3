import { BinaryHeap } from "../../lib/binary-heap.js";
import type { Queue } from "../../proto/gen/tallship/v1/queue.js";
import { type Amounts, amountOf } from "../../scheduler/pod-requests.js";
import {
  addUse,
  dominantShare,
  isOwn,
  overdrawnBy,
  type QueueRoom,
  type QueueState,
  roomIn,
} from "../../scheduler/queue-room.js";
import { isBefore, type WaitingPod } from "./backlog.js";
import type { Charge } from "./charge.js";
import { overdrawn } from "./overdrawn.js";
import { type Importance, reclaim } from "./reclaim.js";

/** Pods that are let in together: one pod, or all of a pod group that wait. */
interface Unit {
  readonly key: string;
  readonly pods: Map<string, WaitingPod>;
  readonly queue: string;
  /** The first of its pods when it became ready, whose place in the line it has: that must not change while it stands there. */
  first: WaitingPod | undefined;
  isReady: boolean;
}

interface Line {
  state: QueueState | undefined;
  readonly ready: BinaryHeap<Unit>;
  /** Pods that it has let in and of which it is not known that they have a node: thousands may wait for nodes beside another queue that has to give back. */
  readonly unplaced: Set<string>;
}

/** A pod that has to give back what its queue borrowed, and the queue that wants it. */
export interface Debtor {
  readonly id: string;
  readonly queue: string;
  /** It has no node yet: it waits again, nobody is evicted. */
  readonly isUnplaced: boolean;
  /** The first of the pods that want it; absent: nobody does, there is less quota than there was. */
  readonly claimant?: WaitingPod;
}

/** A queue whose next pods are within its own quota, which others use. */
interface Claim {
  readonly state: QueueState;
  readonly first: WaitingPod;
  readonly amounts: Amounts;
}

/** What is known of pods beside what they use. */
export interface QueueWorld {
  amountsOf(pod: WaitingPod): Amounts;
  /** True when the pods of a unit could be tried now. */
  isTriable(pod: WaitingPod): boolean;
}

/**
 * Lets pods into the scheduling by the quotas of their queues. In a queue the first goes first, by priority, age and name, and who does not fit
 * holds up those behind; between queues those within their own quota go before those that borrow, then whose queue has used the smaller
 * share. While a queue cannot use its own quota because others do, nobody of its cohort borrows more.
 */
export class Queues {
  private readonly world: QueueWorld;
  private readonly lines = new Map<string, Line>();
  private readonly units = new Map<string, Unit>();
  private readonly charges = new Map<string, Charge>();
  private claims: readonly Claim[] = [];
  /** Heads without room, which may have what younger or less important pods of their own queue hold without a node. */
  private seniors: readonly Head[] = [];
  private isChanged = false;
  /** A queue has changed, or is gone: it may use more than it may now. */
  private isRequoted = false;

  constructor(world: QueueWorld) {
    this.world = world;
  }

  /** Takes a queue's new state; undefined: it is gone, and its pods wait for it. */
  set(name: string, queue: Queue | undefined): void {
    const line = this.line(name);
    const used = line.state?.used ?? new Map<string, number>();
    if (line.state === undefined)
      for (const { queue: own, amounts } of this.charges.values()) if (own === name) addUse({ used }, amounts, 1);
    line.state = queue && stateOf(name, queue, used);
    this.isChanged = true;
    this.isRequoted = true;
  }

  /** The pod wants in; true when it is. */
  wait(pod: WaitingPod): boolean {
    if (pod.queue === "" || this.charges.has(pod.id)) return true;
    const key = pod.group || pod.id;
    const unit = this.units.get(key) ?? newUnit(key, pod.queue);
    unit.pods.set(pod.id, pod);
    this.units.set(key, unit);
    if (pod.group === "") this.setReady(key);
    return false;
  }

  /** The pods of a group are complete and can be let in. */
  setReady(key: string): void {
    const unit = this.units.get(key);
    if (unit === undefined || unit.isReady) return;
    unit.isReady = true;
    unit.first = [...unit.pods.values()].reduce((first, pod) => (isBefore(pod, first) ? pod : first));
    this.line(unit.queue).ready.push(unit);
    this.isChanged = true;
  }

  /** True while the pod is not let in. */
  isHolding({ id, group }: Pick<WaitingPod, "id" | "group">): boolean {
    return this.units.get(group || id)?.pods.has(id) === true;
  }

  /** Why a pod waits that was not let in. */
  why({ id, group, queue }: WaitingPod): string {
    const state = this.lines.get(queue)?.state;
    if (state === undefined) return `queue "${queue}" not found`;
    const unit = this.units.get(group || id);
    const amounts = unit === undefined ? new Map<string, number>() : this.sumOf(unit);
    if (!isOwn(state, amounts)) return `it waits for quota of queue "${queue}"`;
    if (roomIn(state, this.cohortOf(state), amounts) === "own") return `it waits behind others in queue "${queue}"`;
    return `it waits for quota of queue "${queue}" that others have borrowed${state.reclaims ? " and give back" : ""}`;
  }

  /** The pod has a node: it uses quota, whether it was let in or not. */
  place(id: string, queue: string, amounts: Amounts): void {
    const charge = this.charges.get(id);
    if (charge === undefined) this.charge(id, { queue, amounts, pod: undefined });
    else this.line(charge.queue).unplaced.delete(id);
  }

  /** The pod is no more. */
  forget({ id, group }: Pick<WaitingPod, "id" | "group">): void {
    const key = group || id;
    const unit = this.units.get(key);
    // Whoever was held up by it may be next.
    if (unit?.pods.delete(id) === true) this.isChanged = true;
    if (unit?.pods.size === 0) this.units.delete(key);
    const charge = this.charges.get(id);
    if (charge !== undefined) this.uncharge(id, charge);
  }

  private uncharge(id: string, charge: Charge): void {
    this.charges.delete(id);
    const { state, unplaced } = this.line(charge.queue);
    unplaced.delete(id);
    if (state !== undefined) addUse(state, charge.amounts, -1);
    this.isChanged = true;
  }

  /** Lets in the next unit, and returns its pods; undefined when there is none. Costs a look at the head of each queue. */
  admit(): readonly WaitingPod[] | undefined {
    if (!this.isChanged) return undefined;
    const heads = [...this.lines.values()].flatMap((line) => this.headOf(line) ?? []);
    this.claims = heads.filter(
      ({ state, amounts, room }) => room === "none" && state.reclaims && isOwn(state, amounts),
    );
    this.seniors = heads.filter(({ room, line }) => room === "none" && line.unplaced.size > 0);
    const claimed = new Set(this.claims.map(({ state }) => state.cohort));
    const fitting = heads.filter(
      ({ room, state }) => room === "own" || (room === "borrowed" && !claimed.has(state.cohort)),
    );
    if (fitting.length === 0) {
      this.isChanged = false;
      return undefined;
    }
    const { line, unit, state } = fitting.reduce((best, head) => (isNext(head, best) ? head : best));
    line.ready.pop();
    const pods = [...unit.pods.values()];
    this.units.delete(unit.key);
    for (const pod of pods) this.charge(pod.id, { queue: state.name, amounts: this.world.amountsOf(pod), pod });
    return pods;
  }

  /**
   * Who has to go so that queues get back what they lent, and who of a queue has to wait again for one that goes before it, or since quotas have shrunk. Of a group without nodes
   * all that were let in are named, as they were let in together.
   */
  debtors(importance: (id: string) => Importance): readonly Debtor[] {
    const { claims, seniors } = this;
    // Asked for once: when something has changed, who claims is found anew.
    this.claims = [];
    this.seniors = [];
    const found = new Map<string, Debtor>();
    for (const { id, queue } of this.beyondQuota(importance)) found.set(id, { id, queue, isUnplaced: true });
    // Once they wait again, who claims is found anew.
    if (found.size > 0) return [...found.values()];
    for (const senior of seniors)
      for (const id of this.juniorsOf(senior, importance))
        found.set(id, { id, queue: senior.state.name, isUnplaced: true, claimant: senior.first });
    for (const { state, amounts, first } of claims)
      for (const id of reclaim({
        claimant: state,
        cohort: this.cohortOf(state),
        amounts,
        charges: this.charges,
        importance,
      })) {
        if (found.has(id)) continue; // With its group.
        const isUnplaced = importance(id) === "unplaced";
        const group = isUnplaced ? (this.charges.get(id)?.pod?.group ?? "") : "";
        const all = group === "" ? [id] : this.unplacedOf(group, importance);
        for (const each of all) found.set(each, { id: each, queue: state.name, isUnplaced, claimant: first });
      }
    return [...found.values()];
  }

  /** Who was let in by more quota than there is now: looked for after a change of queues, until no queue uses more than it may. */
  private beyondQuota(
    importance: (id: string) => Importance,
  ): readonly { readonly id: string; readonly queue: string }[] {
    if (!this.isRequoted) return [];
    const concerned = [...this.lines.values()].flatMap(({ state, unplaced }) =>
      unplaced.size > 0 && (state === undefined || this.isOverdrawn(state)) ? [...unplaced] : [],
    );
    const groups = new Set(concerned.map((id) => this.groupOf(id)).filter((group) => group !== ""));
    const mates = groups.size === 0 ? [] : this.allUnplaced().filter((id) => groups.has(this.groupOf(id)));
    const letIn = [...new Set([...concerned, ...mates])].flatMap((id) => {
      const { queue, pod, amounts } = this.charges.get(id) ?? {};
      if (queue === undefined || pod === undefined || amounts === undefined) return [];
      return importance(id) === "unplaced" ? [{ pod, amounts, state: this.lines.get(queue)?.state }] : [];
    });
    const found = overdrawn(letIn, (state) => this.cohortOf(state));
    // Who is on his way to a node now, and does not get there, is asked as well.
    this.isRequoted = [...this.lines.values()].some(({ state }) => state !== undefined && this.isOverdrawn(state));
    return found.map((id) => ({ id, queue: this.charges.get(id)?.queue ?? "" }));
  }

  private isOverdrawn(state: QueueState): boolean {
    return overdrawnBy(state, this.cohortOf(state)).length > 0;
  }

  private groupOf(id: string): string {
    return this.charges.get(id)?.pod?.group ?? "";
  }

  private allUnplaced(): readonly string[] {
    return [...this.lines.values()].flatMap(({ unplaced }) => [...unplaced]);
  }

  private unplacedOf(group: string, importance: (id: string) => Importance): readonly string[] {
    return this.allUnplaced().filter((id) => this.groupOf(id) === group && importance(id) === "unplaced");
  }

  /** Pods of the same queue that were let in before the one who goes before them came, and have no node: the last first, no more than it takes. */
  private juniorsOf({ line, state, first, amounts }: Head, importance: (id: string) => Importance): readonly string[] {
    const juniors = [...line.unplaced]
      .flatMap((id) => {
        const { pod } = this.charges.get(id) ?? {};
        return pod !== undefined && importance(id) === "unplaced" ? [pod] : [];
      })
      .filter((pod) => isBefore(first, pod))
      .sort((left, right) => (isBefore(left, right) ? 1 : -1));
    const ids = new Set<string>();
    const isEnough = (): boolean => roomIn(state, this.cohortOf(state), amounts) !== "none";
    for (const { id, group } of juniors) {
      if (isEnough()) break;
      if (ids.has(id)) continue; // With its group.
      for (const each of group === "" ? [id] : this.unplacedOf(group, importance)) {
        addUse(state, this.charges.get(each)?.amounts ?? new Map<string, number>(), -1);
        ids.add(each);
      }
    }
    const found = isEnough() ? [...ids] : [];
    for (const id of ids) addUse(state, this.charges.get(id)?.amounts ?? new Map<string, number>(), 1);
    return found;
  }

  /** A pod that was let in and has no node waits for quota again; undefined when it was not let in. */
  withdraw(id: string): WaitingPod | undefined {
    const charge = this.charges.get(id);
    if (charge?.pod === undefined) return undefined;
    this.uncharge(id, charge);
    this.wait(charge.pod);
    return charge.pod;
  }

  private headOf(line: Line): Head | undefined {
    const { state, ready } = line;
    for (let unit = ready.peek(); state !== undefined && unit !== undefined; unit = ready.peek()) {
      const [first] = unit.pods.values();
      if (first !== undefined && unit.isReady && this.world.isTriable(first)) {
        const amounts = this.sumOf(unit);
        return { line, unit, first, state, amounts, room: roomIn(state, this.cohortOf(state), amounts) };
      }
      unit.isReady = false;
      ready.pop();
    }
    return undefined;
  }

  private sumOf({ pods }: Unit): Amounts {
    const used = new Map<string, number>();
    for (const pod of pods.values()) addUse({ used }, this.world.amountsOf(pod), 1);
    return used;
  }

  private cohortOf(state: QueueState): readonly QueueState[] {
    if (state.cohort === "") return [state];
    return [...this.lines.values()].flatMap((line) => (line.state?.cohort === state.cohort ? [line.state] : []));
  }

  private charge(id: string, charge: Charge): void {
    this.charges.set(id, charge);
    const { state, unplaced } = this.line(charge.queue);
    if (charge.pod !== undefined) unplaced.add(id);
    if (state !== undefined) addUse(state, charge.amounts, 1);
    this.isChanged = true;
  }

  private line(name: string): Line {
    const known = this.lines.get(name);
    if (known !== undefined) return known;
    const ready = new BinaryHeap<Unit>((left, right) => isUnitBefore(left, right));
    const line: Line = { state: undefined, ready, unplaced: new Set() };
    this.lines.set(name, line);
    return line;
  }
}

interface Head {
  readonly line: Line;
  readonly unit: Unit;
  readonly first: WaitingPod;
  readonly state: QueueState;
  readonly amounts: Amounts;
  readonly room: QueueRoom;
}

function newUnit(key: string, queue: string): Unit {
  return { key, pods: new Map(), queue, first: undefined, isReady: false };
}

function isUnitBefore({ first: left }: Unit, { first: right }: Unit): boolean {
  return left !== undefined && (right === undefined || isBefore(left, right));
}

/** Who goes first of two that have room. */
function isNext(left: Head, right: Head): boolean {
  if (left.room !== right.room) return left.room === "own";
  const [one, other] = [dominantShare(left.state, left.amounts), dominantShare(right.state, right.amounts)];
  if (one !== other) return one < other;
  if (left.state.priority !== right.state.priority) return left.state.priority > right.state.priority;
  return isBefore(left.first, right.first);
}

function stateOf(name: string, { spec }: Queue, used: Map<string, number>): QueueState {
  const amounts = (quantities: Readonly<Record<string, string>> = {}): Amounts =>
    new Map(Object.entries(quantities).map(([resource, text]) => [resource, amountOf(resource, text)]));
  return {
    name,
    cohort: spec?.cohort ?? "",
    quota: amounts(spec?.quota),
    borrowing: amounts(spec?.borrowingLimit),
    lending: amounts(spec?.lendingLimit),
    priority: spec?.priority ?? 0,
    reclaims: spec?.reclaimPolicy !== "Never",
    used,
  };
}
