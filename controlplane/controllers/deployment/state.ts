import { pinsIn } from "../../../kinds/config-copies.js";
import { metaOf } from "../../../kinds/object.js";
import { isDeleting, isPodFinished } from "../../../kinds/pod-state.js";
import { deepEqual } from "../../../lib/deep-equal.js";
import type { Deployment } from "../../../proto/gen/tallship/v1/deployment.js";
import { ObjectMeta } from "../../../proto/gen/tallship/v1/meta.js";
import type { Pod, PodTemplateSpec } from "../../../proto/gen/tallship/v1/pod.js";
import type { ReplicaSet } from "../../../proto/gen/tallship/v1/replicaset.js";
import type { Cached, View } from "../../cache/view.js";
import type { Digest } from "../config/copy.js";
import { agree, type WantedPins, wantedPins } from "../config/pins.js";
import { regardUndo, undoneTo } from "../config/undone.js";
import type { ObjectWrite } from "../controller.js";
import { countPods, type PodCounts } from "../pod-counts.js";
import { steadySeconds } from "../steady.js";
import { HASH_LABEL, ROLLBACK, ROLLED_BACK_TO, revisionOf } from "./revisions.js";
import type { SetScale } from "./roll-out.js";

/** A replica set of a deployment and how its pods stand. */
export interface SetState {
  readonly cached: Cached<"ReplicaSet">;
  readonly counts: PodCounts;
  readonly scale: SetScale;
  /** Number of the roll-out that last used the set; 0 when it is not known. */
  readonly revision: number;
  /** Pods that may still run: all but the finished ones. */
  readonly livePods: number;
  readonly pods: readonly Cached<"Pod">[];
}

/** Where a deployment's roll-out stands. Computed from pods, not from replica sets' statuses, which lag behind them. */
export interface RollOut {
  readonly deployment: Cached<"Deployment">;
  /** The set that pods are moved to: that of the current template and content, or after a rollback an earlier one; undefined before it is created. */
  readonly current: SetState | undefined;
  /** All others, oldest first. */
  readonly old: readonly SetState[];
  /** Among the old ones: the set of the current template when its roll-out has failed and was rolled back. */
  readonly failed: SetState | undefined;
  /** What the template takes from ConfigMaps and Secrets, as they are now or as an undo has it. */
  readonly configs: WantedPins;
  /** The deployment's write for an undo, which comes before all else. */
  readonly undo: readonly ObjectWrite[];
}

/** What is read beside the deployment and its sets. */
export interface StateSources {
  readonly view: View;
  readonly digest: Digest;
  readonly nowMs: number;
}

/** Reads the state of a roll-out. */
export function rollOutOf(
  deployment: Cached<"Deployment">,
  sets: readonly Cached<"ReplicaSet">[],
  { view, digest, nowMs }: StateSources,
): RollOut {
  const states = sets.map((set) => stateOf(set, deployment.object, view, nowMs)).sort(byAge);
  const { template } = deployment.object.spec ?? {};
  const undone = states.find(({ cached: { object } }) => metaOf(object).name === undoneTo(deployment));
  const { configs, writes } = regardUndo(
    deployment,
    wantedPins(metaOf(deployment.object), template?.spec, { view, digest }),
    undone && isOfTemplate(undone.cached.object, template)
      ? pinsIn(metaOf(undone.cached.object).annotations)
      : undefined,
  );
  // Should two sets have template and content, the one used last counts, so that all replicas of this code agree.
  const wanted = states.findLast(
    ({ cached: { object } }) =>
      !isDeleting(object) && isOfTemplate(object, template) && agree(pinsIn(metaOf(object).annotations), configs),
  );
  const target = wanted && rollbackTarget(deployment.object, wanted, states);
  const chosen = target ?? wanted;
  const old = states.filter((state) => state !== chosen);
  const isReplacing = old.some(({ scale }) => scale.wanted > 0);
  const current = chosen && isReplacing ? steadyPart(chosen, deployment.object, nowMs) : chosen;
  const failed = target === undefined ? undefined : wanted;
  return { deployment, current, old, failed, configs, undo: writes };
}

/** The set with only those of its available pods that old ones may go for. The counts, which the status is made from, are Kubernetes'. */
function steadyPart(set: SetState, { spec }: Deployment, nowMs: number): SetState {
  const { cached, pods, scale, counts } = set;
  const seconds = steadySeconds(cached.object.spec?.template?.spec, spec?.minReadySeconds ?? 0);
  const objects = pods.map(({ object }): Pod => object);
  const { available, nextAvailableMs } = countPods(objects, seconds, nowMs);
  return {
    ...set,
    scale: { ...scale, available },
    counts: { ...counts, nextAvailableMs: counts.nextAvailableMs ?? nextAvailableMs },
  };
}

/** The set that a failed one was rolled back to; undefined when it was not, when that set is gone, or when rollbacks are off. */
function rollbackTarget(deployment: Deployment, wanted: SetState, states: readonly SetState[]): SetState | undefined {
  const name = metaOf(wanted.cached.object).annotations[ROLLED_BACK_TO];
  if (name === undefined || !rollsBack(deployment)) return undefined;
  return states.find(({ cached: { object } }) => metaOf(object).name === name && !isDeleting(object));
}

/** True unless the user has switched automatic rollback off. */
export function rollsBack(deployment: Deployment): boolean {
  return metaOf(deployment).annotations[ROLLBACK] !== "off";
}

function stateOf(cached: Cached<"ReplicaSet">, deployment: Deployment, view: View, nowMs: number): SetState {
  const pods = view.ownedBy("Pod", metaOf(cached.object).uid);
  const objects = pods.map(({ object }): Pod => object);
  const counts = countPods(objects, deployment.spec?.minReadySeconds ?? 0, nowMs);
  const wanted = isDeleting(cached.object) ? 0 : (cached.object.spec?.replicas ?? 1);
  return {
    cached,
    counts,
    scale: { wanted, active: counts.active, available: counts.available },
    revision: revisionOf(cached.object),
    livePods: objects.filter((pod) => !isPodFinished(pod)).length,
    pods,
  };
}

function byAge(left: SetState, right: SetState): number {
  if (left.revision !== right.revision) return left.revision - right.revision;
  return metaOf(left.cached.object).name < metaOf(right.cached.object).name ? -1 : 1;
}

/** The hash label is the controller's own addition. */
function isOfTemplate(object: ReplicaSet, template: PodTemplateSpec | undefined): boolean {
  const own = object.spec?.template;
  if (own?.metadata === undefined || template === undefined) return false;
  const { [HASH_LABEL]: _hash, ...labels } = own.metadata.labels;
  const metadata = template.metadata ?? ObjectMeta.fromPartial({});
  return deepEqual({ ...own, metadata: { ...own.metadata, labels } }, { ...template, metadata });
}
