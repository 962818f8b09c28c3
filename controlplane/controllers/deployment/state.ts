import { metaOf } from "../../../kinds/object.js";
import { isDeleting, isPodFinished } from "../../../kinds/pod-state.js";
import { deepEqual } from "../../../lib/deep-equal.js";
import type { Deployment } from "../../../proto/gen/tallship/v1/deployment.js";
import { ObjectMeta } from "../../../proto/gen/tallship/v1/meta.js";
import type { PodTemplateSpec } from "../../../proto/gen/tallship/v1/pod.js";
import type { Cached, View } from "../../cache/view.js";
import { countPods, type PodCounts } from "../pod-counts.js";
import { HASH_LABEL, revisionOf } from "./revisions.js";
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
}

/** Where a deployment's roll-out stands. Computed from pods, not from replica sets' statuses, which lag behind them. */
export interface RollOut {
  readonly deployment: Cached<"Deployment">;
  /** The set of the current template; undefined before it is created. */
  readonly current: SetState | undefined;
  /** All others, oldest first. */
  readonly old: readonly SetState[];
}

/** Reads the state of a roll-out. */
export function rollOutOf(
  deployment: Cached<"Deployment">,
  sets: readonly Cached<"ReplicaSet">[],
  view: View,
  nowMs: number,
): RollOut {
  const states = sets.map((set) => stateOf(set, deployment.object, view, nowMs)).sort(byAge);
  const { template } = deployment.object.spec ?? {};
  // Should two sets have the template, the older one counts, so that all replicas of this code agree.
  const current = states.find(({ cached }) => !isDeleting(cached.object) && isOfTemplate(cached, template));
  return { deployment, current, old: states.filter((state) => state !== current) };
}

function stateOf(cached: Cached<"ReplicaSet">, deployment: Deployment, view: View, nowMs: number): SetState {
  const pods = view.ownedBy("Pod", metaOf(cached.object).uid).map(({ object }) => object);
  const counts = countPods(pods, deployment.spec?.minReadySeconds ?? 0, nowMs);
  const wanted = isDeleting(cached.object) ? 0 : (cached.object.spec?.replicas ?? 1);
  return {
    cached,
    counts,
    scale: { wanted, active: counts.active, available: counts.available },
    revision: revisionOf(cached.object),
    livePods: pods.filter((pod) => !isPodFinished(pod)).length,
  };
}

function byAge(left: SetState, right: SetState): number {
  if (left.revision !== right.revision) return left.revision - right.revision;
  return metaOf(left.cached.object).name < metaOf(right.cached.object).name ? -1 : 1;
}

/** The hash label is the controller's own addition. */
function isOfTemplate({ object }: Cached<"ReplicaSet">, template: PodTemplateSpec | undefined): boolean {
  const own = object.spec?.template;
  if (own?.metadata === undefined || template === undefined) return false;
  const { [HASH_LABEL]: _hash, ...labels } = own.metadata.labels;
  const metadata = template.metadata ?? ObjectMeta.fromPartial({});
  return deepEqual({ ...own, metadata: { ...own.metadata, labels } }, { ...template, metadata });
}
