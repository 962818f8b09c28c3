import { metaOf } from "../../kinds/object.js";
import type { Node } from "../../proto/gen/tallship/v1/node.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { isFitting } from "../../scheduler/schedule.js";
import type { Shape } from "../../scheduler/shape.js";
import { Snapshot } from "../../scheduler/snapshot.js";
import { Standings } from "../../scheduler/standings.js";
import { ofKind } from "../cache/of-kind.js";
import type { CacheChange } from "../cache/view.js";
import { Backlog, type WaitingPod } from "./backlog.js";
import { placeOf } from "./pod-place.js";

/** More nodes than this that changed at once are not asked one by one: every refused shape is tried again. */
const manyNodes = 16;

/**
 * The scheduler's picture of the cluster: a snapshot of nodes and pods, the pods that wait, and the binds that are assumed but not yet seen
 * in the cache. Fed with every change of nodes and pods, in order; holds what the cache holds plus the assumptions.
 */
export class SchedulerState {
  readonly snapshot = new Snapshot();
  readonly standings = new Standings(this.snapshot, "spread");
  readonly backlog = new Backlog();
  /** Binds that were decided and are not yet in the cache, by pod. */
  private readonly assumed = new Map<string, string>();
  /** Nodes that may take more than they did when pods were last refused. */
  private readonly improved = new Set<string>();

  /** Takes a change of the cache; other kinds than nodes and pods do not matter. */
  take({ key, before, after }: CacheChange, nowMs: number): void {
    if (key.kind === "Node") this.takeNode(key.name, ofKind(after, "Node")?.object);
    if (key.kind === "Pod") this.takePod(ofKind(before, "Pod")?.object, ofKind(after, "Pod")?.object, nowMs);
  }

  /** Counts a bind that is about to be written. */
  assume(id: string, nodeName: string): void {
    this.assumed.set(id, nodeName);
  }

  /** Takes a pod as the cache holds it now, after its bind was given up; `was` is what was decided on. */
  look(now: Pod | undefined, was: WaitingPod): void {
    if (this.assumed.delete(was.id)) this.free(was.id);
    if (now === undefined || metaOf(now).uid !== was.id) this.forget(was.id);
    else this.takePod(undefined, now, was.seenAtMs);
    this.backlog.putBack(was.id);
  }

  /** Gives hope to refused shapes that a changed node could take; looks at one shape per step. */
  *reconsider(): Generator<undefined, void> {
    const nodes = [...this.improved];
    this.improved.clear();
    if (nodes.length === 0) return;
    for (const shape of this.backlog.refusedShapes()) {
      if (this.mayFit(shape, nodes)) this.backlog.raiseHope(shape);
      yield undefined;
    }
  }

  /** True when a node changed so that refused pods should be looked at again. */
  get hasImproved(): boolean {
    return this.improved.size > 0;
  }

  private mayFit(shape: Shape, nodes: readonly string[]): boolean {
    if (nodes.length > manyNodes) return this.standings.best(shape) >= 0;
    return nodes.some((nodeName) => isFitting(this.snapshot, shape, nodeName));
  }

  private takeNode(name: string, node: Node | undefined): void {
    if (node === undefined) this.snapshot.removeNode(name);
    else if (this.snapshot.setNode(node)) this.improved.add(name);
  }

  private takePod(before: Pod | undefined, after: Pod | undefined, nowMs: number): void {
    const id = after && metaOf(after).uid;
    const idBefore = before && metaOf(before).uid;
    // The name may be that of another pod by now.
    if (idBefore !== undefined && idBefore !== id) this.forget(idBefore);
    if (after === undefined || id === undefined) return;
    const place = placeOf(after);
    if (place.is === "bound") this.settle(id, after, place.nodeName);
    else if (place.is === "none") this.forget(id);
    else if (!this.assumed.has(id)) this.backlog.add(this.waiting(id, after, nowMs));
  }

  /** The pod is bound, wherever it was assumed to be. */
  private settle(id: string, pod: Pod, nodeName: string): void {
    const was = this.snapshot.nodeOf(id);
    this.assumed.delete(id);
    this.backlog.remove(id);
    this.snapshot.place(id, this.snapshot.shapeOfBound(pod), nodeName);
    if (was !== undefined && was !== nodeName) this.improved.add(was);
  }

  private forget(id: string): void {
    this.assumed.delete(id);
    this.backlog.remove(id);
    this.free(id);
  }

  private free(id: string): void {
    const nodeName = this.snapshot.remove(id);
    if (nodeName !== undefined) this.improved.add(nodeName);
  }

  private waiting(id: string, pod: Pod, nowMs: number): WaitingPod {
    const { namespace, name, creationTimestamp } = metaOf(pod);
    return {
      id,
      key: { kind: "Pod", namespace, name },
      shape: this.snapshot.shapeOf(pod),
      priority: pod.spec?.priority ?? 0,
      createdAt: creationTimestamp,
      seenAtMs: this.backlog.get(id)?.seenAtMs ?? nowMs,
    };
  }
}
