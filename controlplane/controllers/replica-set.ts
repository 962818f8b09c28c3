import { pinsIn } from "../../kinds/config-copies.js";
import { imagePins, movedImages, pinAnnotation } from "../../kinds/image-pins.js";
import { matchesLabels, matchesSelector } from "../../kinds/label-selector.js";
import { metaOf, type ObjectKey } from "../../kinds/object.js";
import { isConditionTrue, isDeleting } from "../../kinds/pod-state.js";
import { heldBy, keepsPlace } from "../../kinds/power.js";
import { deepEqual } from "../../lib/deep-equal.js";
import { limit } from "../../lib/limits.js";
import type { Deployment } from "../../proto/gen/tallship/v1/deployment.js";
import type { Condition } from "../../proto/gen/tallship/v1/meta.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { type ReplicaSet, ReplicaSetStatus } from "../../proto/gen/tallship/v1/replicaset.js";
import type { CacheChange, Cached, View } from "../cache/view.js";
import { refusalOf } from "./admit-outcome.js";
import { claim } from "./claim.js";
import { withCondition, withoutCondition } from "./conditions.js";
import { pinnedTemplate } from "./config/pinned-template.js";
import { type Controller, NOTHING, type ObjectWrite, type Outcome, type ReconcileContext } from "./controller.js";
import { isNamespaceDeleting } from "./namespace-state.js";
import { ordinalName } from "./ordinal-name.js";
import { countPods, type PodCounts } from "./pod-counts.js";
import { podNotice } from "./pod-notice.js";
import { podsOfTemplate } from "./pod-of-template.js";
import { leastLoss } from "./pod-ranking.js";
import { withMoved } from "./revision-images.js";
import { childMeta, controllerOf, create, remove, replace } from "./writes.js";

/**
 * Keeps `spec.replicas` pods in existence for each replica set. The next ordinal stands in the status and advances in the transaction that
 * creates the pods, and names are derived from ordinals: a pod is never created twice, and a name never used again.
 */
export const replicaSet: Controller = { name: "replica-set", keysFor, reconcile };

/** Pods created or removed by one outcome: with the replica set itself they fill a transaction. */
const batch = limit("transactionObjects") - 1;

function keysFor({ key, before, after }: CacheChange, view: View): readonly ObjectKey[] {
  if (key.kind === "ReplicaSet") return [key];
  if (key.kind === "ResourceQuota" || key.kind === "LimitRange") return refusedSets(key.namespace, view);
  if (key.kind !== "Pod") return [];
  const owners = [before, after].map((pod) => pod && controllerOf(pod.object));
  const keys = owners
    .filter((owner) => owner?.kind === "ReplicaSet")
    .map((owner): ObjectKey => ({ kind: "ReplicaSet", namespace: key.namespace, name: owner?.name ?? "" }));
  if (after === undefined || owners[1] !== undefined) return keys;
  const { labels } = metaOf(after.object);
  const adopters = view
    .list("ReplicaSet", key.namespace)
    .filter(({ object }) => matchesSelector(object.spec?.selector, labels));
  return [
    ...keys,
    ...adopters.map(({ object }): ObjectKey => ({ ...key, kind: "ReplicaSet", name: metaOf(object).name })),
  ];
}

/** Sets whose pods were refused: what refused them has changed. */
function refusedSets(namespace: string, view: View): readonly ObjectKey[] {
  return view
    .list("ReplicaSet", namespace)
    .filter(({ object }) => isConditionTrue(object.status?.conditions, FAILURE))
    .map(({ object }): ObjectKey => ({ kind: "ReplicaSet", namespace, name: metaOf(object).name }));
}

const FAILURE = "ReplicaFailure";

function reconcile({ namespace, name }: ObjectKey, view: View, context: ReconcileContext): Outcome {
  const set = view.cached("ReplicaSet", namespace, name);
  if (set === undefined) return NOTHING; // Deleted: the owner collector removes the pods.
  const { owned, writes } = claim(set, "Pod", set.object.spec?.selector, view);
  if (writes.length > 0) return { writes: writes.slice(0, batch) };
  const active = owned.filter(({ object }) => keepsPlace(object));
  const counts = countPods(
    owned.map(({ object }) => object),
    set.object.spec?.minReadySeconds ?? 0,
    context.nowMs,
  );
  const isFinal = isDeleting(set.object) || isNamespaceDeleting(namespace, view);
  const missing = isFinal ? 0 : (set.object.spec?.replicas ?? 1) - active.length;
  if (missing > 0) return grow(set, missing, { owned, counts }, view, context);
  if (missing < 0) return shrink(set, -missing, { owned, counts }, context);
  return { writes: report(set, { owned, counts }, {}, context), againMs: counts.nextAvailableMs };
}

interface Observed {
  readonly owned: readonly Cached<"Pod">[];
  readonly counts: PodCounts;
}

function grow(
  set: Cached<"ReplicaSet">,
  missing: number,
  { owned, counts }: Observed,
  view: View,
  context: ReconcileContext,
): Outcome {
  const { name, namespace, uid } = metaOf(set.object);
  const count = Math.min(missing, batch);
  const pods: Pod[] = [];
  const pins = pinsIn(metaOf(set.object).annotations);
  const podOf = podsOfTemplate(pinnedTemplate(set.object.spec?.template, pins));
  const { labels = {}, annotations = {}, finalizers = [] } = set.object.spec?.template?.metadata ?? {};
  const own = { ...annotations, ...pinAnnotation(setImages(set, owned)), ...heldBy(deploymentOf(set, view)) };
  let ordinal = set.object.status?.nextOrdinal ?? 0;
  for (; pods.length < count; ordinal += 1) {
    const podName = ordinalName(name, uid, ordinal);
    if (view.get("Pod", namespace, podName) !== undefined) continue; // Somebody else's: the ordinal is spent all the same.
    const meta = childMeta(set, podName, { labels, annotations: own, finalizers }, context);
    pods.push(podOf(meta));
  }
  const failure = pods[0] === undefined ? undefined : refusalOf({ kind: "Pod", object: pods[0] }, view);
  if (failure !== undefined)
    return refuseGrowth(
      set,
      { owned, counts },
      `pods ${JSON.stringify(pods[0]?.metadata?.name)} is forbidden: ${failure}`,
      context,
    );
  const after = { nextOrdinal: ordinal, created: pods.length };
  return {
    // The set comes first: were the transaction cut for its size, ordinals would be skipped, never used twice.
    writes: [...report(set, { owned, counts }, after, context), ...pods.map((pod) => create("Pod", pod))],
    notices: podNotice(aboutSet(set), "Created", pods),
    againMs: missing > count ? 0 : counts.nextAvailableMs,
  };
}

/** Says why no pod can be created. A change of what stands against it brings the set back, or the pause ends. */
function refuseGrowth(
  set: Cached<"ReplicaSet">,
  { owned, counts }: Observed,
  why: string,
  { nowMs }: ReconcileContext,
): Outcome {
  const { name, namespace } = metaOf(set.object);
  const about: ObjectKey = { kind: "ReplicaSet", namespace, name };
  const conditions = withCondition(
    set.object.status?.conditions ?? [],
    { type: FAILURE, status: "True", reason: "FailedCreate", message: why },
    nowMs,
  );
  return {
    writes: report(set, { owned, counts }, { conditions }, { nowMs }),
    notices: [{ about, type: "Warning", reason: "FailedCreate", message: `Error creating: ${why}` }],
    againMs: Math.min(counts.nextAvailableMs ?? limit("policyRetryMs"), limit("policyRetryMs")),
  };
}

function shrink(
  set: Cached<"ReplicaSet">,
  surplus: number,
  { owned, counts }: Observed,
  context: ReconcileContext,
): Outcome {
  const active = owned.filter(({ object }) => keepsPlace(object));
  const victims = leastLoss(active, Math.min(surplus, batch));
  const removals = victims.flatMap((pod) => remove(pod, { nowMs: context.nowMs }));
  return {
    writes: removals,
    notices: podNotice(
      aboutSet(set),
      "Deleted",
      victims.map(({ object }) => object),
    ),
    againMs: surplus > batch ? 0 : counts.nextAvailableMs,
  };
}

/** What a report says beyond what pods show. Without conditions, nothing stands against creating pods. */
interface Told {
  readonly nextOrdinal?: number;
  readonly created?: number;
  readonly conditions?: readonly Condition[];
}

/** The write of the set's status, when it says something new. Pods created in the same transaction count as existing. */
function report(
  set: Cached<"ReplicaSet">,
  { owned, counts }: Observed,
  { nextOrdinal, created = 0, conditions }: Told,
  { nowMs }: Pick<ReconcileContext, "nowMs">,
): readonly ObjectWrite[] {
  const before = set.object.status ?? ReplicaSetStatus.fromPartial({});
  const templateLabels = set.object.spec?.template?.metadata?.labels ?? {};
  const labeled = owned.filter(
    ({ object }) => keepsPlace(object) && matchesLabels(templateLabels, metaOf(object).labels),
  );
  const images = setImages(set, owned);
  const moved = movedImages(activeOf(owned), images);
  const status: ReplicaSetStatus = {
    replicas: counts.active + created,
    fullyLabeledReplicas: labeled.length + created,
    readyReplicas: counts.ready,
    availableReplicas: counts.available,
    terminatingReplicas: counts.terminating,
    observedGeneration: metaOf(set.object).generation,
    conditions: [...withMoved(conditions ?? withoutCondition(before.conditions, FAILURE), moved, { nowMs })],
    nextOrdinal: nextOrdinal ?? before.nextOrdinal,
    images,
  };
  if (deepEqual(before, status)) return [];
  const object: ReplicaSet = { ...set.object, status };
  return [replace(set, object)];
}

function deploymentOf({ object }: Cached<"ReplicaSet">, view: View): Deployment | undefined {
  const owner = controllerOf(object);
  return owner?.kind === "Deployment" ? view.get("Deployment", metaOf(object).namespace, owner.name) : undefined;
}

function setImages({ object }: Cached<"ReplicaSet">, owned: readonly Cached<"Pod">[]): Record<string, string> {
  return imagePins(object.spec?.template, activeOf(owned), object.status?.images ?? {});
}

function activeOf(owned: readonly Cached<"Pod">[]): readonly Pod[] {
  return owned.map(({ object }) => object).filter(keepsPlace);
}

function aboutSet({ object }: Cached<"ReplicaSet">): ObjectKey {
  const { name, namespace } = metaOf(object);
  return { kind: "ReplicaSet", namespace, name };
}
