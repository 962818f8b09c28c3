import { metaOf, type ObjectKey } from "../../kinds/object.js";
import type { KindMap, KindName } from "../../kinds/registry.js";
import type { LabelSelector } from "../../proto/gen/tallship/v1/meta.js";
import type { Cached, View } from "../cache/view.js";
import type { ObjectWrite } from "./controller.js";
import { replace } from "./writes.js";

/** A workload as far as its number of pods goes: what Kubernetes calls its scale. */
export interface Scale {
  readonly key: ObjectKey<ScalableKind>;
  readonly uid: string;
  /** Pods wanted. */
  readonly replicas: number;
  /** Pods that exist. */
  readonly currentReplicas: number;
  readonly selector: LabelSelector | undefined;
  /** The write that asks for another number of pods. */
  rescale(replicas: number): ObjectWrite;
}

/** Kinds that have a scale. A new one is a row of SCALABLE. */
export type ScalableKind = "Deployment" | "ReplicaSet" | "StatefulSet";

const SCALABLE: { readonly [K in ScalableKind]: true } = { Deployment: true, ReplicaSet: true, StatefulSet: true };

/** True when workloads of the kind have a scale. */
export function isScalable(kind: string): kind is ScalableKind {
  return Object.hasOwn(SCALABLE, kind);
}

/** The scale of a workload; undefined when there is no such workload. */
export function scaleOf<K extends ScalableKind>(
  { kind, namespace, name }: ObjectKey<K>,
  view: View,
): Scale | undefined {
  const cached = view.cached(kind, namespace, name);
  return cached === undefined ? undefined : scaleOfCached(cached);
}

/** The replicas that a scalable object asks for; undefined for other kinds. */
export function replicasOf<K extends KindName>({ kind, object }: Cached<K>): number | undefined {
  if (!isScalable(kind)) return undefined;
  // Every scalable kind has the same fields of scale.
  return (object as KindMap[ScalableKind]).spec?.replicas ?? 1;
}

function scaleOfCached<K extends ScalableKind>(cached: Cached<K>): Scale {
  const { kind, object } = cached;
  const { name, namespace, uid, generation } = metaOf(object);
  return {
    key: { kind, namespace, name },
    uid,
    replicas: object.spec?.replicas ?? 1,
    currentReplicas: object.status?.replicas ?? 0,
    selector: object.spec?.selector,
    rescale: (replicas) => {
      const metadata = { ...metaOf(object), generation: generation + 1 };
      // Another number in the same object: it stays of its kind.
      return replace(cached, { ...object, metadata, spec: { ...object.spec, replicas } } as KindMap[K]);
    },
  };
}
