import { keyText, metaOf, type ObjectKey } from "../../kinds/object.js";
import { isDeleting } from "../../kinds/pod-state.js";
import type { Attempt } from "../../scheduler/attempt.js";
import type { Tenant } from "../../scheduler/tenant.js";
import type { WaitingPod } from "./backlog.js";
import { PacedWrites, type PodWriting } from "./paced-writes.js";
import { evictionWrite } from "./pod-writes.js";
import type { Debtor } from "./queues.js";
import { remnantsOf } from "./remnants.js";
import type { SchedulerState } from "./scheduler-state.js";
import type { SchedulingDeps } from "./scheduling-deps.js";

interface Order {
  readonly victim: ObjectKey<"Pod">;
  readonly message: string;
  /** False once the victim may stay. */
  readonly isStanding: () => boolean;
}

/**
 * Tells pods to make room for others: marks them for deletion, with their own grace. An order stands as long as room is kept for the pod that
 * asked; after that, a victim that was not told yet stays. What a queue takes back it does not give up.
 */
export class Evictor {
  private readonly deps: SchedulingDeps;
  private readonly state: SchedulerState;
  private readonly writes: PacedWrites;
  private readonly orders = new Map<string, Order>();

  constructor(deps: SchedulingDeps, state: SchedulerState, signal: AbortSignal) {
    this.deps = deps;
    this.state = state;
    this.writes = new PacedWrites(deps, signal, {
      what: "evictions",
      spacingMs: 0,
      writingOf: (id) => this.evictionOf(id),
    });
  }

  /** The victims of the attempt have to go. */
  order({ pod, nodeName, victims }: Attempt<WaitingPod>): void {
    const message = `Preempted by ${keyText(pod.key)} on node ${nodeName}`;
    const isStanding = (): boolean => this.state.reservedNode(pod.id) === nodeName;
    for (const tenant of victims) this.evict(tenant, { message, isStanding });
    for (const { id } of victims) this.evictRemnant(id, { message, isStanding });
  }

  /** These pods use what their queues borrowed, and the queues named want it back. */
  reclaim(debtors: readonly Debtor[]): void {
    const placed = debtors.filter(({ isUnplaced }) => !isUnplaced);
    const orderOf = ({ queue }: Debtor): Omit<Order, "victim"> => ({
      message: `Preempted to give back quota that queue ${queue} had lent`,
      isStanding: () => true,
    });
    for (const debtor of placed) {
      const tenant = this.state.snapshot.tenant(debtor.id);
      if (tenant !== undefined) this.evict(tenant, orderOf(debtor));
    }
    for (const debtor of placed) this.evictRemnant(debtor.id, orderOf(debtor));
  }

  /** A gang of which one has to go is of no use without it: what is left would only hold what others wait for. */
  private evictRemnant(id: string, { message, isStanding }: Omit<Order, "victim">): void {
    for (const other of remnantsOf(this.state, [id])) {
      const tenant = this.state.snapshot.tenant(other);
      if (tenant !== undefined) this.evict(tenant, { message: `${message}, with its pod group`, isStanding });
    }
  }

  private evict({ id, tenure }: Tenant, order: Omit<Order, "victim">): void {
    const name = this.state.nameOf(id);
    if (name === undefined) return;
    this.orders.set(id, { ...order, victim: { kind: "Pod", namespace: tenure.namespace, name } });
    this.state.setEvicting(id);
    this.writes.add(id);
    this.deps.metrics.schedulerVictimsTotal.inc();
  }

  private evictionOf(id: string): PodWriting | undefined {
    const order = this.orders.get(id);
    if (order === undefined) return undefined;
    const { victim, message, isStanding } = order;
    const cached = this.deps.cache.view.cached("Pod", victim.namespace, victim.name);
    const isThere = cached !== undefined && metaOf(cached.object).uid === id && !isDeleting(cached.object);
    if (!isThere || !isStanding()) {
      this.orders.delete(id);
      this.state.spare(id, cached?.object);
      return undefined;
    }
    const [write] = evictionWrite(cached, this.deps.clock.nowMs());
    return write && { write, notice: { about: victim, type: "Normal", reason: "Preempted", message } };
  }
}
