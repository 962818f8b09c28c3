import { keyOf, metaOf, type ObjectKey, type Typed } from "../../../kinds/object.js";
import { TallshipError } from "../../../lib/errors.js";
import { limit } from "../../../lib/limits.js";
import { ObjectName } from "../../../proto/gen/tallship/v1/api.js";
import type { PlanNote, PlannedPod, PlanResponse } from "../../../proto/gen/tallship/v1/explain.js";
import type { Pod } from "../../../proto/gen/tallship/v1/pod.js";
import type { Cached, View } from "../../cache/view.js";
import { admitOutcome } from "../../controllers/admit-outcome.js";
import type { ReconcileContext } from "../../controllers/controller.js";
import { podGroup } from "../../controllers/pod-group.js";
import { withBasics } from "../../controllers/volumes/claims.js";
import { create } from "../../controllers/writes.js";
import type { WaitingPod } from "../../scheduling/backlog.js";
import type { SchedulerState } from "../../scheduling/scheduler-state.js";
import { type Picture, takeAnew } from "../picture.js";
import { victimsOf } from "../why.js";
import { comingPods } from "./coming-pods.js";
import { Lenders } from "./lenders.js";
import type { OverlayView } from "./overlay-view.js";
import { placeWaiting, sayWhy, whyNone } from "./place-waiting.js";

/** Pods decided on between two looks at the clock. */
const PODS_PER_STEP = 32;

/** An object of the set, and its place there. */
interface Owner {
  readonly key: ObjectKey;
  readonly at: number;
}

/** A set as it would stand after an apply, and whose pods are whose. */
export interface Ground {
  readonly overlay: OverlayView;
  /** The object of the set that a pod comes from, by the pod's uid. */
  readonly owners: Map<string, Owner>;
  readonly notes: PlanNote[];
}

/** The cluster as the scheduler sees it, made from the overlay. */
export interface Drawn extends Picture {
  readonly view: OverlayView;
}

/**
 * Where the pods of a set would run: the objects are put over the cluster as it is, their controllers' pods derived, and all pods that wait,
 * those of others too, are scheduled in the scheduler's own order. Nothing is written.
 */
export async function planSet(
  objects: readonly Typed[],
  { state, view: overlay, pace }: Drawn,
  context: ReconcileContext,
): Promise<Omit<PlanResponse, "results">> {
  const { revision } = overlay;
  const ground = takeSet(objects, state, { overlay, context });
  const planned = new Map<string, Planned>();
  const others = new Set<string>();
  const lenders = new Lenders(state, overlay);
  for (;;) {
    // Quota lets in more than one only when asked again; a pod group that is placed lets in its other pods.
    while (state.admit()) await pace();
    const waiting = state.backlog.take(PODS_PER_STEP);
    // Once all that may be tried was tried, queues take back what they lent, and others may.
    if (waiting.length === 0 && !(await lenders.takeBack(pace))) break;
    for (const each of planSome(waiting, state, ground)) {
      if (each.planned === undefined) others.add(each.id);
      else planned.set(each.id, each.planned);
    }
    await pace();
  }
  for (const each of heldBack(state, ground, planned)) planned.set(each.id, each.planned);
  const pods = [...planned]
    .sort(([, left], [, right]) => left.at - right.at)
    .map(([id, { pod }]) => ({ ...pod, victims: [...pod.victims, ...lenders.victimsFor(id)] }));
  return { pods, notes: ground.notes, othersWaiting: others.size, revision };
}

/** Lets a set and the pods that would come of it stand in the picture; returns whose pods are whose. */
export function takeSet(
  objects: readonly Typed[],
  state: SchedulerState,
  { overlay, context }: { readonly overlay: OverlayView; readonly context: ReconcileContext },
): Ground {
  const ground: Ground = { overlay, owners: new Map(), notes: [] };
  takeObjects(objects, state, overlay);
  for (const [at, typed] of objects.entries()) takeComing({ key: keyOf(typed), at }, { ground, state, context });
  while (takeAnew(state, overlay));
  return ground;
}

/** The set's own objects: the scheduler sees nodes, volumes, claims and budgets as they would be, claims with the class that they get. */
function takeObjects(objects: readonly Typed[], state: SchedulerState, overlay: OverlayView): void {
  const before = objects.map((typed) => overlay.cached(typed.kind, ...nameOf(typed)));
  for (const typed of objects) overlay.put(typed);
  for (const [at, typed] of objects.entries()) {
    const after = overlay.put(settled(typed, overlay));
    const key = keyOf(typed);
    if (key.kind !== "Pod") state.take({ key, before: before[at], after, revision: overlay.revision }, 0);
  }
}

function nameOf(typed: Typed): readonly [namespace: string, name: string] {
  const { namespace, name } = metaOf(typed.object);
  return [namespace, name];
}

function settled(typed: Typed, overlay: OverlayView): Typed {
  if (typed.kind !== "PersistentVolumeClaim") return typed;
  return { kind: typed.kind, object: withBasics(typed.object, overlay) };
}

interface Taking {
  readonly ground: Ground;
  readonly state: SchedulerState;
  readonly context: ReconcileContext;
}

function takeComing(owner: Owner, { ground, state, context }: Taking): void {
  const { overlay, owners, notes } = ground;
  const { key } = owner;
  takeGang(key, { ground, state, context });
  const coming = comingPods({ key, before: overlay.base, after: overlay, context });
  const note = (text: string, isRefusal: boolean): void =>
    void notes.push({ owner: ObjectName.fromPartial(key), text, isRefusal });
  for (const text of coming.notes) note(text, false);
  for (const { object } of coming.leaving) takePod(state, overlay, { before: object, after: undefined });
  for (const { object } of coming.staying)
    if ((object.spec?.nodeName ?? "") === "") owners.set(metaOf(object).uid, owner);
  for (const claim of coming.claims) {
    const after = overlay.put(settled(claim, overlay));
    state.take({ key: keyOf(claim), before: undefined, after, revision: overlay.revision }, 0);
  }
  const { pods, refusals } = admitted(key, coming.pods, overlay);
  for (const text of refusals) note(text, true);
  if (owners.size + pods.length > limit("planPods"))
    throw new TallshipError("too_large", `plan: more than ${limit("planPods")} pods`);
  for (const pod of pods) {
    owners.set(metaOf(pod).uid, owner);
    takePod(state, overlay, { before: undefined, after: overlay.put({ kind: "Pod", object: pod }) });
  }
}

/** The group that a job with a gang gets. */
function takeGang(key: ObjectKey, { ground: { overlay }, state, context }: Taking): void {
  if (key.kind !== "Job") return;
  const group = { ...key, kind: "PodGroup" as const };
  for (const write of podGroup.reconcile(group, overlay, context).writes) {
    if (write.op !== "put" || write.typed.kind !== "PodGroup") continue;
    state.take({ key: group, before: undefined, after: overlay.put(write.typed), revision: overlay.revision }, 0);
  }
}

/** Pods as the namespace's policies want them; a pod of the set itself has passed them. */
function admitted(
  key: ObjectKey,
  pods: readonly Pod[],
  view: View,
): { readonly pods: readonly Pod[]; readonly refusals: readonly string[] } {
  if (key.kind === "Pod" || pods.length === 0) return { pods, refusals: [] };
  const { writes, notices = [] } = admitOutcome({ writes: pods.map((pod) => create("Pod", pod)) }, view);
  const passed = writes.flatMap((write) =>
    write.op === "put" && write.typed.kind === "Pod" ? [write.typed.object] : [],
  );
  const refused = pods.length - passed.length;
  const count = refused === 1 ? "1 pod" : `${refused} pods`;
  return { pods: passed, refusals: notices.map(({ message }) => `${count} would not be made: ${message}`) };
}

function takePod(
  state: SchedulerState,
  overlay: OverlayView,
  { before, after }: { readonly before: Pod | undefined; readonly after: Cached | undefined },
): void {
  const { namespace, name } = metaOf(before ?? after?.object ?? {});
  const key = { kind: "Pod" as const, namespace, name };
  const was = before === undefined ? undefined : overlay.cached("Pod", namespace, name);
  state.take({ key, before: was, after, revision: overlay.revision }, 0);
}

/** A pod of the set, and the place of its owner there. */
interface Planned {
  readonly at: number;
  readonly pod: PlannedPod;
}

function planSome(
  pods: readonly WaitingPod[],
  state: SchedulerState,
  ground: Ground,
): readonly { readonly id: string; readonly planned: Planned | undefined }[] {
  return placeWaiting(pods, state, sayWhy(state)).map(({ pod, nodeName, refusal, victims }) => {
    // Where queues take back what they lent it is tried again.
    if (nodeName === "") state.backlog.refuse(pod.id);
    return {
      id: pod.id,
      planned: plannedOf(pod, ground, { node: nodeName, refusal, victims: victimsOf(state, victims, ground.overlay) }),
    };
  });
}

/** Pods of the set that are not tried in the end: they wait for quota, or for others of their group. */
function heldBack(
  state: SchedulerState,
  ground: Ground,
  planned: ReadonlyMap<string, Planned>,
): readonly { readonly id: string; readonly planned: Planned }[] {
  return [...ground.owners.keys()].flatMap((id) => {
    const known = planned.get(id)?.pod;
    const pod = state.backlog.get(id);
    if (pod === undefined || (known !== undefined && (known.node !== "" || state.whyHeld(pod) === ""))) return [];
    const own = plannedOf(pod, ground, { node: "", refusal: whyNone(pod, state), victims: [] });
    return own === undefined ? [] : [{ id, planned: own }];
  });
}

/** Undefined for a pod that is not of the set. */
function plannedOf(
  pod: WaitingPod,
  { owners }: Ground,
  decided: Pick<PlannedPod, "node" | "refusal" | "victims">,
): Planned | undefined {
  const owner = owners.get(pod.id);
  return owner && { at: owner.at, pod: { owner: ObjectName.fromPartial(owner.key), name: pod.key.name, ...decided } };
}
