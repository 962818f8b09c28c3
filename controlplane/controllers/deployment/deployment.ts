import { matchesSelector } from "../../../kinds/label-selector.js";
import { metaOf, type ObjectKey } from "../../../kinds/object.js";
import { conditionOf, isDeleting } from "../../../kinds/pod-state.js";
import { deepEqual } from "../../../lib/deep-equal.js";
import type { Deployment, DeploymentStatus } from "../../../proto/gen/tallship/v1/deployment.js";
import type { ObjectMeta } from "../../../proto/gen/tallship/v1/meta.js";
import type { ReplicaSet } from "../../../proto/gen/tallship/v1/replicaset.js";
import type { CacheChange, Cached, View } from "../../cache/view.js";
import { claim } from "../claim.js";
import {
  type Controller,
  NOTHING,
  type Notice,
  type ObjectWrite,
  type Outcome,
  type ReconcileContext,
} from "../controller.js";
import { isNamespaceDeleting } from "../namespace-state.js";
import { controllerOf, create, remove, replace } from "../writes.js";
import { type Bounds, boundsOf } from "./bounds.js";
import { newSet, REVISION, setName, withBounds, withRevision } from "./revisions.js";
import type { Targets } from "./roll-out.js";
import { type RollOut, rollOutOf, type SetState } from "./state.js";
import { statusOf, untilDeadlineMs } from "./status.js";
import { targetsOf } from "./targets.js";

/**
 * Keeps one replica set per template of a deployment and moves pods from the old ones to the current one within the bounds of its strategy.
 * Everything that one step decides is one transaction.
 */
export const deployment: Controller = { name: "deployment", keysFor, reconcile };

/** Kubernetes' default of revisionHistoryLimit, for objects that were written past admission. */
const defaultHistory = 10;

function keysFor({ key, before, after }: CacheChange, view: View): readonly ObjectKey[] {
  if (key.kind === "Deployment") return [key];
  if (key.kind === "Pod") return [before, after].flatMap((pod) => (pod ? deploymentOfPod(pod, view) : []));
  if (key.kind !== "ReplicaSet") return [];
  const owners = [before, after].flatMap((set) => (set ? deploymentOfSet(set) : []));
  if (after === undefined || controllerOf(after.object) !== undefined) return owners;
  const { labels } = metaOf(after.object);
  const adopters = view
    .list("Deployment", key.namespace)
    .filter(({ object }) => matchesSelector(object.spec?.selector, labels))
    .map(({ object }) => keyNamed(key.namespace, metaOf(object).name));
  return [...owners, ...adopters];
}

function deploymentOfPod({ object }: Cached, view: View): readonly ObjectKey[] {
  const owner = controllerOf(object);
  if (owner?.kind !== "ReplicaSet") return [];
  const set = view.cached("ReplicaSet", metaOf(object).namespace, owner.name);
  return set === undefined ? [] : deploymentOfSet(set);
}

function deploymentOfSet({ object }: Cached): readonly ObjectKey[] {
  const owner = controllerOf(object);
  return owner?.kind === "Deployment" ? [keyNamed(metaOf(object).namespace, owner.name)] : [];
}

function keyNamed(namespace: string, name: string): ObjectKey {
  return { kind: "Deployment", namespace, name };
}

function reconcile({ namespace, name }: ObjectKey, view: View, context: ReconcileContext): Outcome {
  const cached = view.cached("Deployment", namespace, name);
  if (cached === undefined) return NOTHING; // Deleted: the owner collector removes the replica sets.
  const { owned, writes } = claim(cached, "ReplicaSet", cached.object.spec?.selector, view);
  if (writes.length > 0) return { writes };
  const state = rollOutOf(cached, owned, view, context.nowMs);
  const isFinal = isDeleting(cached.object) || isNamespaceDeleting(namespace, view);
  return isFinal ? report(state, context) : step(state, view, context);
}

/** What is only looked at, not acted on: the status is kept true. */
function report(state: RollOut, { nowMs }: ReconcileContext): Outcome {
  const bounds = boundsOf(state.deployment.object.spec);
  const collisions = collisionsOf(state);
  const status = statusOf({ state, bounds, collisions, setName: undefined, isNew: false, nowMs });
  return { writes: deploymentWrites(state.deployment, status, undefined) };
}

function step(state: RollOut, view: View, context: ReconcileContext): Outcome {
  const { nowMs } = context;
  const { object } = state.deployment;
  const bounds = boundsOf(object.spec);
  const collisions = collisionsOf(state);
  const isNew = state.current === undefined && object.spec?.paused !== true;
  if (isNew && isTaken(object, collisions, view)) return rename(state, bounds, collisions + 1, nowMs);
  const targets = targetsOf(state, bounds);
  const revision = Math.max(state.current?.revision ?? 0, ...state.old.map((set) => set.revision + 1), 1);
  const created = isNew
    ? [firstSet(state.deployment, { collisions, revision, replicas: targets.current }, bounds, context)]
    : [];
  const name = [...created, ...(state.current ? [state.current.cached.object] : [])].map((set) => metaOf(set).name)[0];
  const status = statusOf({ state, bounds, collisions, setName: name, isNew, nowMs });
  const waits = [...setsOf(state).map((set) => set.counts.nextAvailableMs), untilDeadlineMs(object, status, nowMs)];
  return {
    writes: [
      ...created.map((set) => create("ReplicaSet", set)),
      ...scaleWrites(state, targets, revision, bounds),
      ...deploymentWrites(state.deployment, status, name === undefined ? undefined : revision),
      ...historyWrites(state, status, nowMs),
    ],
    notices: noticesOf(state, targets, created),
    againMs: soonest(waits),
  };
}

/** The name of the template's set is held by a set of another template or owner: the next try has another name. */
function rename(state: RollOut, bounds: Bounds, collisions: number, nowMs: number): Outcome {
  const status = statusOf({ state, bounds, collisions, setName: undefined, isNew: false, nowMs });
  return { writes: deploymentWrites(state.deployment, status, undefined), againMs: 0 };
}

function isTaken(object: Deployment, collisions: number, view: View): boolean {
  return view.get("ReplicaSet", metaOf(object).namespace, setName(object, collisions)) !== undefined;
}

function collisionsOf({ deployment: { object } }: RollOut): number {
  return object.status?.collisionCount ?? 0;
}

function setsOf({ current, old }: RollOut): readonly SetState[] {
  return current === undefined ? old : [...old, current];
}

function firstSet(
  owner: Cached<"Deployment">,
  parts: { readonly collisions: number; readonly revision: number; readonly replicas: number },
  bounds: Bounds,
  context: ReconcileContext,
): ReplicaSet {
  const set = newSet(owner, parts.collisions, parts.replicas, context);
  const annotations = withRevision(withBounds({}, bounds), owner.object, parts.revision);
  return { ...set, metadata: { ...metaOf(set), annotations } };
}

function scaleWrites(state: RollOut, targets: Targets, revision: number, bounds: Bounds): readonly ObjectWrite[] {
  const old = state.old.flatMap((set, at) =>
    scaleWrite(set, targets.old[at] ?? 0, bounds, (annotations) => annotations),
  );
  if (state.current === undefined) return old;
  const { object } = state.deployment;
  const current = scaleWrite(
    state.current,
    targets.current,
    bounds,
    (annotations) => withRevision(annotations, object, revision),
    object.spec?.minReadySeconds,
  );
  return [...current, ...old];
}

/** The write that makes a set ask for that many replicas and remember under which bounds; none when it does already. */
function scaleWrite(
  { cached }: SetState,
  replicas: number,
  bounds: Bounds,
  annotate: (annotations: ObjectMeta["annotations"]) => ObjectMeta["annotations"],
  minReadySeconds = cached.object.spec?.minReadySeconds ?? 0,
): readonly ObjectWrite[] {
  const { object } = cached;
  if (object.spec === undefined || isDeleting(object)) return [];
  const meta = metaOf(object);
  const spec = { ...object.spec, replicas, minReadySeconds };
  const annotations = annotate(replicas > 0 ? withBounds(meta.annotations, bounds) : meta.annotations);
  const isSameSpec = deepEqual(spec, object.spec);
  if (isSameSpec && deepEqual(annotations, meta.annotations)) return [];
  const generation = isSameSpec ? meta.generation : meta.generation + 1;
  return [replace(cached, { ...object, metadata: { ...meta, annotations, generation }, spec })];
}

function deploymentWrites(
  cached: Cached<"Deployment">,
  status: DeploymentStatus,
  revision: number | undefined,
): readonly ObjectWrite[] {
  const { object } = cached;
  const meta = metaOf(object);
  const annotations = revision === undefined ? meta.annotations : { ...meta.annotations, [REVISION]: `${revision}` };
  if (deepEqual(status, object.status) && deepEqual(annotations, meta.annotations)) return [];
  return [replace(cached, { ...object, metadata: { ...meta, annotations }, status })];
}

/** Once a roll-out is complete, sets of earlier templates go, oldest first, down to the number that is kept. */
function historyWrites({ deployment, old }: RollOut, status: DeploymentStatus, nowMs: number): readonly ObjectWrite[] {
  if (conditionOf(status.conditions, "Progressing")?.reason !== "NewReplicaSetAvailable") return [];
  const kept = deployment.object.spec?.revisionHistoryLimit ?? defaultHistory;
  const empty = old.filter(
    ({ scale, livePods, cached }) => scale.wanted + livePods === 0 && !isDeleting(cached.object),
  );
  const surplus = empty.slice(0, Math.max(0, empty.length - kept));
  return surplus.flatMap(({ cached }) => remove(cached, { nowMs }));
}

function noticesOf(state: RollOut, targets: Targets, created: readonly ReplicaSet[]): readonly Notice[] {
  const { object } = state.deployment;
  const changes = [
    ...created.map((set) => ({ set, from: 0, to: targets.current })),
    ...(state.current
      ? [{ set: state.current.cached.object, from: state.current.scale.wanted, to: targets.current }]
      : []),
    ...state.old.map(({ cached, scale }, at) => ({ set: cached.object, from: scale.wanted, to: targets.old[at] ?? 0 })),
  ];
  return changes
    .filter(({ from, to }) => from !== to)
    .map(({ set, from, to }) => ({
      about: keyNamed(metaOf(object).namespace, metaOf(object).name),
      type: "Normal",
      reason: "ScalingReplicaSet",
      message: `Scaled ${to > from ? "up" : "down"} replica set ${metaOf(set).name} from ${from} to ${to}`,
    }));
}

function soonest(waits: readonly (number | undefined)[]): number | undefined {
  const finite = waits.filter((wait) => wait !== undefined);
  return finite.length === 0 ? undefined : Math.max(1, Math.min(...finite));
}
