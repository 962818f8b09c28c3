import { limit } from "../../lib/limits.js";
import { type Refusals, refusalWithNeed } from "../../scheduler/refusals.js";
import { explainPod, explainShape } from "../../scheduler/schedule.js";
import type { Shape } from "../../scheduler/shape.js";
import type { WaitingPod } from "./backlog.js";
import { PacedWrites, type PodWriting } from "./paced-writes.js";
import { placeOf } from "./pod-place.js";
import { refusalWrite } from "./pod-writes.js";
import type { SchedulerState } from "./scheduler-state.js";
import type { SchedulingDeps } from "./scheduling-deps.js";

/**
 * Tells users why pods have no node: the condition PodScheduled, the node on which room is made, and an event. At once when a pod was refused;
 * when the reasons change, at most every limits.refusalRefreshMs per pod; never when they are the same.
 */
export class RefusalTeller {
  private readonly deps: SchedulingDeps;
  private readonly state: SchedulerState;
  private readonly signal: AbortSignal;
  private readonly writes: PacedWrites;
  private readonly looks = new Map<Shape, { readonly refusals: Refusals; readonly atMs: number }>();
  private isRestateDue = false;

  constructor(deps: SchedulingDeps, state: SchedulerState, signal: AbortSignal) {
    this.deps = deps;
    this.state = state;
    this.signal = signal;
    this.writes = new PacedWrites(deps, signal, {
      what: "refusals",
      spacingMs: limit("refusalRefreshMs"),
      writingOf: (id) => this.tellingOf(id),
    });
  }

  /** These pods were just refused. */
  refused(pods: readonly WaitingPod[]): void {
    for (const { id } of pods) this.writes.add(id);
  }

  /** These pods are not tried, for a reason of their group's. */
  heldBack(ids: readonly string[]): void {
    for (const id of ids) this.writes.add(id);
  }

  /** Nodes changed: what was told may be out of date. */
  restate(): void {
    if (this.isRestateDue || this.state.backlog.refused === 0) return;
    this.isRestateDue = true;
    this.deps.clock.after(limit("refusalRefreshMs"), () => {
      this.isRestateDue = false;
      if (!this.signal.aborted) this.refused(this.state.backlog.refusedPods());
    });
  }

  private tellingOf(id: string): PodWriting | undefined {
    const pod = this.state.backlog.get(id);
    const { backlog } = this.state;
    if (pod === undefined || !(backlog.isRefused(id) || backlog.isHeld(id))) return undefined;
    // It is about to have its node: the bind is on its way.
    if (this.state.snapshot.tenant(id)?.tenure.isReserved === false) return undefined;
    const cached = this.deps.cache.view.cached("Pod", pod.key.namespace, pod.key.name);
    if (cached?.object.metadata?.uid !== id || placeOf(cached.object).is !== "waiting") return undefined;
    const nominatedNodeName = this.state.reservedNode(id) ?? "";
    const why = this.state.whyHeld(pod) || this.whyRefused(pod);
    const message = nominatedNodeName === "" ? why : `${why}; room is being made on ${nominatedNodeName}`;
    const write = refusalWrite(cached, { message, nominatedNodeName }, this.deps.clock.nowMs());
    return write && { write, notice: { about: pod.key, type: "Warning", reason: "FailedScheduling", message } };
  }

  private whyRefused(pod: WaitingPod): string {
    const { snapshot } = this.state;
    const refusals =
      this.state.reservedNode(pod.id) === undefined ? this.refusalsOf(pod.shape) : explainPod(snapshot, pod);
    return refusalWithNeed(this.state.groupNeed(pod), refusals);
  }

  /** Equal pods share one look at the nodes, as long as it is fresh. */
  private refusalsOf(shape: Shape): Refusals {
    const nowMs = this.deps.clock.monotonicMs();
    const known = this.looks.get(shape);
    if (known !== undefined && nowMs - known.atMs < limit("heartbeatMs")) return known.refusals;
    if (this.looks.size >= limit("schedulerMasks")) this.looks.clear();
    const refusals = explainShape(this.state.snapshot, shape);
    this.looks.set(shape, { refusals, atMs: nowMs });
    return refusals;
  }
}
