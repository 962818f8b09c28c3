import { pinsIn } from "../../../kinds/config-copies.js";
import { configKey } from "../../../kinds/config-uses.js";
import { matchesSelector } from "../../../kinds/label-selector.js";
import { metaOf, type ObjectKey } from "../../../kinds/object.js";
import { isDeleting } from "../../../kinds/pod-state.js";
import { deepEqual } from "../../../lib/deep-equal.js";
import type { Deployment, DeploymentStatus } from "../../../proto/gen/tallship/v1/deployment.js";
import type { ReplicaSet } from "../../../proto/gen/tallship/v1/replicaset.js";
import type { CacheChange, Cached, View } from "../../cache/view.js";
import type { Notice } from "../../events/notice.js";
import { claim } from "../claim.js";
import type { Digest } from "../config/copy.js";
import { copyWrites } from "../config/copy-writes.js";
import { type Controller, NOTHING, type ObjectWrite, type Outcome, type ReconcileContext } from "../controller.js";
import { isNamespaceDeleting } from "../namespace-state.js";
import { controllerOf, create, replace } from "../writes.js";
import { type Bounds, boundsOf } from "./bounds.js";
import { historyWrites } from "./history.js";
import { newSet, REVISION, type SetIdentity, setName, withBounds, withRevision } from "./revisions.js";
import type { Targets } from "./roll-out.js";
import { dueRollback, keptPodWrites, rollbackNotice, rollbackWrites } from "./rollback.js";
import { pinsOfCurrent, scaleWrites } from "./scale-writes.js";
import { type RollOut, rollOutOf, type SetState } from "./state.js";
import { statusOf, untilDeadlineMs } from "./status.js";
import { targetsOf } from "./targets.js";

/**
 * Keeps one replica set per template, and content that the template takes from ConfigMaps and Secrets, of a deployment and moves pods from the
 * old ones to the current one within the bounds of its strategy; a roll-out that fails is taken back. Everything that one step decides is one
 * transaction.
 */
export function deployment(digest: Digest): Controller {
  return {
    name: "deployment",
    keysFor,
    reconcile: (key, view, context) => reconcile(key, { view, digest }, context),
  };
}

interface Sources {
  readonly view: View;
  readonly digest: Digest;
}

function keysFor({ key, before, after }: CacheChange, view: View): readonly ObjectKey[] {
  if (key.kind === "Deployment") return [key];
  if (key.kind === "Pod") return [before, after].flatMap((pod) => (pod ? deploymentOfPod(pod, view) : []));
  if (key.kind === "ConfigMap" || key.kind === "Secret")
    return view
      .usingConfig("Deployment", key.namespace, configKey(key.kind, key.name))
      .map(({ object }) => keyNamed(key.namespace, metaOf(object).name));
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

function reconcile({ namespace, name }: ObjectKey, { view, digest }: Sources, context: ReconcileContext): Outcome {
  const cached = view.cached("Deployment", namespace, name);
  if (cached === undefined) return NOTHING; // Deleted: the owner collector removes the replica sets.
  const { owned, writes } = claim(cached, "ReplicaSet", cached.object.spec?.selector, view);
  if (writes.length > 0) return { writes };
  const state = rollOutOf(cached, owned, { view, digest, nowMs: context.nowMs });
  if (state.undo.length > 0) return { writes: state.undo };
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
  const identity = { collisions: collisionsOf(state), pins: state.configs.pins };
  const isNew = state.current === undefined && object.spec?.paused !== true;
  if (isNew && isTaken(object, identity, view)) return rename(state, bounds, identity.collisions + 1, nowMs);
  const targets = targetsOf(state, bounds);
  const revision = revisionNumber(state);
  const created = isNew
    ? [firstSet(state.deployment, { identity, revision, replicas: targets.current }, bounds, context)]
    : [];
  const name = [...created, ...(state.current ? [state.current.cached.object] : [])].map((set) => metaOf(set).name)[0];
  const status = statusOf({ state, bounds, collisions: identity.collisions, setName: name, isNew, nowMs });
  const shown = deploymentWrites(state.deployment, status, name === undefined ? undefined : revision);
  const rollback = dueRollback(state, status);
  if (rollback !== undefined)
    return {
      writes: [...shown, ...rollbackWrites(state, rollback)],
      notices: [rollbackNotice(state, rollback)],
      againMs: 0,
    };
  const waits = [...setsOf(state).map((set) => set.counts.nextAvailableMs), untilDeadlineMs(object, status, nowMs)];
  return {
    writes: [
      ...copiesOf(state, created, view, context),
      ...created.map((set) => create("ReplicaSet", set)),
      ...scaleWrites(state, targets, { bounds, revision, status }),
      ...shown,
      ...keptPodWrites(state, view, nowMs),
      ...historyWrites(state, status, nowMs),
    ],
    notices: [...configNotices(state, created), ...noticesOf(state, targets, created)],
    againMs: soonest(waits),
  };
}

/** The number of the roll-out under way: that of the template's set, larger than all others'. A rollback is no roll-out of its own. */
function revisionNumber({ current, old, failed }: RollOut): number {
  if (failed !== undefined) return failed.revision;
  return Math.max(current?.revision ?? 0, ...old.map((set) => set.revision + 1), 1);
}

/** The name of the template's set is held by a set of another template or owner: the next try has another name. */
function rename(state: RollOut, bounds: Bounds, collisions: number, nowMs: number): Outcome {
  const status = statusOf({ state, bounds, collisions, setName: undefined, isNew: false, nowMs });
  return { writes: deploymentWrites(state.deployment, status, undefined), againMs: 0 };
}

function isTaken(object: Deployment, identity: SetIdentity, view: View): boolean {
  return view.get("ReplicaSet", metaOf(object).namespace, setName(object, identity)) !== undefined;
}

function collisionsOf({ deployment: { object } }: RollOut): number {
  return object.status?.collisionCount ?? 0;
}

function setsOf({ current, old }: RollOut): readonly SetState[] {
  return current === undefined ? old : [...old, current];
}

/** The copies of ConfigMaps and Secrets that the current set's pods take their values from. */
function copiesOf(
  state: RollOut,
  created: readonly ReplicaSet[],
  view: View,
  context: ReconcileContext,
): readonly ObjectWrite[] {
  const { current, failed, configs } = state;
  const [object] = created;
  if (object !== undefined)
    return copyWrites({ kind: "ReplicaSet", object }, configs.pins, configs.copies, view, context);
  if (current === undefined || failed !== undefined) return [];
  const pins = pinsOfCurrent(state, metaOf(current.cached.object).annotations);
  return copyWrites(current.cached, pins, configs.copies, view, context);
}

function firstSet(
  owner: Cached<"Deployment">,
  parts: { readonly identity: SetIdentity; readonly revision: number; readonly replicas: number },
  bounds: Bounds,
  context: ReconcileContext,
): ReplicaSet {
  const set = newSet(owner, parts.identity, parts.replicas, context);
  const meta = metaOf(set);
  const annotations = withRevision(withBounds(meta.annotations, bounds), owner.object, parts.revision);
  return { ...set, metadata: { ...meta, annotations } };
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

/** Says which content has changed when that is why a set is made. */
function configNotices({ deployment, old, configs }: RollOut, created: readonly ReplicaSet[]): readonly Notice[] {
  const { name, namespace } = metaOf(deployment.object);
  const before = old.at(-1);
  if (created.length === 0 || before === undefined) return [];
  const pins = pinsIn(metaOf(before.cached.object).annotations);
  const changed = Object.keys(configs.pins).filter((key) => pins[key] !== undefined && pins[key] !== configs.pins[key]);
  if (changed.length === 0) return [];
  const message = `Rolling out the changed content of ${changed.sort().join(", ")}`;
  return [{ about: keyNamed(namespace, name), type: "Normal", reason: "ConfigChanged", message }];
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
