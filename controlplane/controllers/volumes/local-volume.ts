import { metaOf } from "../../../kinds/object.js";
import { apiVersionOf } from "../../../kinds/registry.js";
import {
  BOUND_BY_CONTROLLER,
  HOSTNAME,
  LOCAL_PROVISIONER,
  PROVISIONED_BY,
  VOLUME_PROTECTION,
} from "../../../kinds/storage.js";
import { rfc3339 } from "../../../lib/clock.js";
import { ObjectMeta, type ObjectReference } from "../../../proto/gen/tallship/v1/meta.js";
import type { Node } from "../../../proto/gen/tallship/v1/node.js";
import { PersistentVolume } from "../../../proto/gen/tallship/v1/persistentvolume.js";
import type { PersistentVolumeClaim } from "../../../proto/gen/tallship/v1/persistentvolumeclaim.js";
import type { StorageClass } from "../../../proto/gen/tallship/v1/storageclass.js";
import type { ReconcileContext } from "../controller.js";

/** How a volume names its claim. */
export function referenceTo(claim: PersistentVolumeClaim): ObjectReference {
  const { name, namespace, uid } = metaOf(claim);
  const kind = "PersistentVolumeClaim";
  return { kind, apiVersion: apiVersionOf(kind), name, namespace, uid, resourceVersion: "", fieldPath: "" };
}

/** Why no folder of a node can be what the claim asks for; undefined when one can. */
export function whyNoFolder({ spec }: PersistentVolumeClaim): string | undefined {
  if (spec?.selector !== undefined) return "claim.spec.selector is not supported for dynamic provisioning";
  if (spec?.volumeMode === "Block") return "a folder of a node is no block device";
  const shared = spec?.accessModes.find((mode) => mode === "ReadWriteMany" || mode === "ReadOnlyMany");
  return shared === undefined
    ? undefined
    : `a folder is on one node: ${shared} needs a volume that several nodes can mount`;
}

/** A folder on the node for the claim, bound to it. Undefined while the node has not told where it keeps its volumes. */
export function localVolume(
  claim: PersistentVolumeClaim,
  { storageClass, node }: { readonly storageClass: StorageClass; readonly node: Node },
  { nowMs, newUid }: ReconcileContext,
): PersistentVolume | undefined {
  const folder = node.status?.volumesPath ?? "";
  if (folder === "") return undefined;
  const name = `pvc-${metaOf(claim).uid}`;
  const { labels } = metaOf(node);
  const host = labels[HOSTNAME] ?? metaOf(node).name;
  const term = { matchExpressions: [{ key: HOSTNAME, operator: "In", values: [host] }] };
  return PersistentVolume.fromPartial({
    metadata: ObjectMeta.fromPartial({
      name,
      uid: newUid(),
      generation: 1,
      creationTimestamp: rfc3339(nowMs),
      annotations: { [PROVISIONED_BY]: LOCAL_PROVISIONER, [BOUND_BY_CONTROLLER]: "yes" },
      finalizers: [VOLUME_PROTECTION],
    }),
    spec: {
      capacity: { storage: claim.spec?.resources?.requests["storage"] ?? "0" },
      accessModes: claim.spec?.accessModes ?? [],
      claimRef: referenceTo(claim),
      persistentVolumeReclaimPolicy: storageClass.reclaimPolicy || "Delete",
      storageClassName: metaOf(storageClass).name,
      volumeMode: "Filesystem",
      nodeAffinity: { required: { nodeSelectorTerms: [term] } },
      local: { path: `${folder}/${name}` },
    },
    status: { phase: "Bound", lastPhaseTransitionTime: rfc3339(nowMs) },
  });
}
