import { keyText, metaOf, type ObjectKey } from "../../kinds/object.js";
import { isDeleting } from "../../kinds/pod-state.js";
import type { Attempt } from "../../scheduler/attempt.js";
import type { WaitingPod } from "./backlog.js";
import { PacedWrites, type PodWriting } from "./paced-writes.js";
import { evictionWrite } from "./pod-writes.js";
import type { SchedulerState } from "./scheduler-state.js";
import type { SchedulingDeps } from "./scheduling-deps.js";

interface Order {
  readonly victim: ObjectKey<"Pod">;
  readonly preemptor: WaitingPod;
  readonly nodeName: string;
}

/**
 * Tells pods to make room for others: marks them for deletion, with their own grace. An order stands as long as room is kept for the pod that
 * asked; after that, a victim that was not told yet stays.
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
  order({ pod: preemptor, nodeName, victims }: Attempt<WaitingPod>): void {
    for (const { id, tenure } of victims) {
      const name = this.state.nameOf(id);
      if (name === undefined) continue;
      this.orders.set(id, { victim: { kind: "Pod", namespace: tenure.namespace, name }, preemptor, nodeName });
      this.state.setEvicting(id, true);
      this.writes.add(id);
    }
    this.deps.metrics.schedulerVictimsTotal.inc(victims.length);
  }

  private evictionOf(id: string): PodWriting | undefined {
    const order = this.orders.get(id);
    if (order === undefined) return undefined;
    const { victim, preemptor, nodeName } = order;
    const cached = this.deps.cache.view.cached("Pod", victim.namespace, victim.name);
    const isThere = cached !== undefined && metaOf(cached.object).uid === id && !isDeleting(cached.object);
    if (!isThere || this.state.reservedNode(preemptor.id) !== nodeName) {
      this.orders.delete(id);
      this.state.setEvicting(id, false, cached?.object);
      return undefined;
    }
    const message = `Preempted by ${keyText(preemptor.key)} on node ${nodeName}`;
    const [write] = evictionWrite(cached, this.deps.clock.nowMs());
    return write && { write, notice: { about: victim, type: "Normal", reason: "Preempted", message } };
  }
}
