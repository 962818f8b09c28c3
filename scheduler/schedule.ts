import { type Attempt, attempt, besideOwnRoom, type PendingPod, reservationOf, undo } from "./attempt.js";
import type { PolicyName } from "./plugins.js";
import { explain, type Refusals } from "./refusals.js";
import type { Shape } from "./shape.js";
import type { Snapshot } from "./snapshot.js";
import { prepareSieves } from "./standing.js";
import { Standings } from "./standings.js";

/** A pod and the node it should run on. */
export interface Binding<P extends PendingPod = PendingPod> {
  readonly pod: P;
  readonly nodeName: string;
}

/** A pod that must make room, and the pod it makes room for, which gets the node once everybody who must has gone. */
export interface Eviction<P extends PendingPod = PendingPod> {
  readonly podId: string;
  readonly nodeName: string;
  readonly preemptor: P;
}

/** What was decided, in the order of the pods given. A pod for which others make room has no binding yet: it is among the refused. */
export interface Decision<P extends PendingPod = PendingPod> {
  readonly bindings: readonly Binding<P>[];
  readonly evictions: readonly Eviction<P>[];
  readonly refusals: readonly { readonly pod: P; readonly refusals: Refusals }[];
}

/** How to schedule. */
export interface ScheduleOptions {
  readonly policy?: PolicyName;
  /** Work kept from earlier calls on the same snapshot; it never changes an answer. */
  readonly standings?: Standings;
  /** Leave bindings, evictions and reservations in the snapshot, as if they had been written. Otherwise the snapshot is as before. */
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
  const made = assume(snapshot, pending, options.standings ?? new Standings(snapshot, options.policy ?? "spread"));
  const refusals = explainAll(snapshot, made.refused);
  if (options.assume !== true) undo(snapshot, made.attempts);
  const evictions = made.attempts.flatMap(({ pod, nodeName, victims }) =>
    victims.map((victim) => ({ podId: victim.id, nodeName, preemptor: pod })),
  );
  const bindings = made.attempts.flatMap(({ pod, is, nodeName }) => (is === "bound" ? [{ pod, nodeName }] : []));
  return { bindings, evictions, refusals };
}

/** What was decided of pods, without the reasons, which cost a look at every node. */
export interface Assumed<P extends PendingPod> {
  /** Pods without a node, those for which others make room among them. */
  readonly refused: readonly P[];
  /** What changed in the snapshot, in order: a pod that got its node, or room that is made and kept for one. */
  readonly attempts: readonly Attempt<P>[];
}

/** As `schedule`, with everything left in the snapshot. */
export function assume<P extends PendingPod>(
  snapshot: Snapshot,
  pending: readonly P[],
  standings: Standings,
): Assumed<P> {
  const refused: P[] = [];
  const attempts: Attempt<P>[] = [];
  for (const pod of pending) {
    const made = attempt(snapshot, pod, standings);
    if (made !== undefined) attempts.push(made);
    if (made?.is !== "bound") refused.push(pod);
  }
  return { refused, attempts };
}

/** Why no node takes a pod of the shape, as things stand. */
export function explainShape(snapshot: Snapshot, shape: Shape): Refusals {
  snapshot.layOut();
  return explain(prepareSieves(shape, snapshot), snapshot.records.length);
}

/** As `explainShape`, of a pod for which room may be kept: that is not in its own way. */
export function explainPod(snapshot: Snapshot, { id, shape }: PendingPod): Refusals {
  return besideOwnRoom(snapshot, id, () => explainShape(snapshot, shape));
}

/** Says for each refused pod why, as things stand after the bindings. Equal pods share one answer. */
function explainAll<P extends PendingPod>(snapshot: Snapshot, refused: readonly P[]): Decision<P>["refusals"] {
  const byShape = new Map<Shape, Refusals>();
  return refused.map((pod) => {
    if (reservationOf(snapshot, pod.id) !== undefined) return { pod, refusals: explainPod(snapshot, pod) };
    const refusals = byShape.get(pod.shape) ?? explainShape(snapshot, pod.shape);
    byShape.set(pod.shape, refusals);
    return { pod, refusals };
  });
}
