import type { PolicyName } from "./plugins.js";
import { explain, firstRefusals, type Refusals } from "./refusals.js";
import type { Shape } from "./shape.js";
import type { Snapshot } from "./snapshot.js";
import { prepareSieves } from "./standing.js";
import { Standings } from "./standings.js";

/** A pod that waits for a node. */
export interface PendingPod {
  /** Names the pod in the snapshot; its uid. */
  readonly id: string;
  readonly shape: Shape;
}

/** A pod and the node it should run on. */
export interface Binding<P extends PendingPod = PendingPod> {
  readonly pod: P;
  readonly nodeName: string;
}

/** A pod that must make room. None are decided yet: without priorities nobody has to. */
export interface Eviction {
  readonly podId: string;
  readonly nodeName: string;
}

/** What was decided, in the order of the pods given. */
export interface Decision<P extends PendingPod = PendingPod> {
  readonly bindings: readonly Binding<P>[];
  readonly evictions: readonly Eviction[];
  readonly refusals: readonly { readonly pod: P; readonly refusals: Refusals }[];
}

/** How to schedule. */
export interface ScheduleOptions {
  readonly policy?: PolicyName;
  /** Work kept from earlier calls on the same snapshot; it never changes an answer. */
  readonly standings?: Standings;
  /** Leave the bindings in the snapshot, as if they had been written. Otherwise the snapshot is as before. */
  readonly assume?: boolean;
}

/**
 * Decides where pending pods run, one after the other in the order given, each counted before the next. Pure and deterministic: the same
 * snapshot and pods give the same decision, ties go to the lower node name, and there is no clock.
 */
export function schedule<P extends PendingPod>(
  snapshot: Snapshot,
  pending: readonly P[],
  options: ScheduleOptions = {},
): Decision<P> {
  const standings = options.standings ?? new Standings(snapshot, options.policy ?? "spread");
  const { bindings, refused } = assume(snapshot, pending, standings);
  const refusals = explainAll(snapshot, refused);
  if (options.assume !== true) for (const { pod } of bindings) snapshot.remove(pod.id);
  return { bindings, evictions: [], refusals };
}

/** As `schedule`, with the bindings left in the snapshot and without the reasons, which cost a look at every node. */
export function assume<P extends PendingPod>(
  snapshot: Snapshot,
  pending: readonly P[],
  standings: Standings,
): { readonly bindings: readonly Binding<P>[]; readonly refused: readonly P[] } {
  const bindings: Binding<P>[] = [];
  const refused: P[] = [];
  for (const pod of pending) {
    const slot = slotFor(snapshot, pod.shape, standings);
    const nodeName = snapshot.records[slot]?.name;
    if (nodeName === undefined) refused.push(pod);
    else {
      snapshot.place(pod.id, pod.shape, nodeName);
      bindings.push({ pod, nodeName });
    }
  }
  return { bindings, refused };
}

/** A pod that can run on one node alone asks that node alone: a pod per node costs one look each, not a look at every node. */
function slotFor(snapshot: Snapshot, shape: Shape, standings: Standings): number {
  if (shape.nodeName === "") return standings.best(shape);
  return isFitting(snapshot, shape, shape.nodeName) ? (snapshot.record(shape.nodeName)?.slot ?? -1) : -1;
}

/** Why no node takes a pod of the shape, as things stand. */
export function explainShape(snapshot: Snapshot, shape: Shape): Refusals {
  snapshot.layOut();
  return explain(prepareSieves(shape, snapshot), snapshot.records.length);
}

/** True when the node could run a pod of the shape, as things stand. */
export function isFitting(snapshot: Snapshot, shape: Shape, nodeName: string): boolean {
  snapshot.layOut();
  const slot = snapshot.record(nodeName)?.slot ?? -1;
  return slot >= 0 && firstRefusals(prepareSieves(shape, snapshot), slot).length === 0;
}

/** Says for each refused pod why, as things stand after the bindings. Equal pods share one answer. */
function explainAll<P extends PendingPod>(snapshot: Snapshot, refused: readonly P[]): Decision<P>["refusals"] {
  const byShape = new Map<Shape, Refusals>();
  return refused.map((pod) => {
    const refusals = byShape.get(pod.shape) ?? explainShape(snapshot, pod.shape);
    byShape.set(pod.shape, refusals);
    return { pod, refusals };
  });
}
