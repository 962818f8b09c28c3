import { matchesNodeSelector } from "../../../kinds/node-selector.js";
import { metaOf } from "../../../kinds/object.js";
import { isDeleting } from "../../../kinds/pod-state.js";
import { BIND_COMPLETED, classOfClaim, LOCAL_PROVISIONER, NO_PROVISIONER } from "../../../kinds/storage.js";
import type { Node } from "../../../proto/gen/tallship/v1/node.js";
import type { PersistentVolume } from "../../../proto/gen/tallship/v1/persistentvolume.js";
import type { PersistentVolumeClaim } from "../../../proto/gen/tallship/v1/persistentvolumeclaim.js";
import type { Pod } from "../../../proto/gen/tallship/v1/pod.js";
import type { StorageClass } from "../../../proto/gen/tallship/v1/storageclass.js";
import type { Cached, View } from "../../cache/view.js";
import type { Notice } from "../../events/notice.js";
import type { ReconcileContext } from "../controller.js";
import { isHeldFor } from "./hold.js";
import { localVolume, whyNoFolder } from "./local-volume.js";
import { storageClassOf, volumesFor, whyNot } from "./match.js";

/** What the user is told about a claim. */
type Saying = Pick<Notice, "type" | "reason" | "message">;

/** What becomes of a claim. */
export type Binding =
  /** It is bound to a volume that is there. */
  | { readonly is: "bound"; readonly volume: Cached<"PersistentVolume"> }
  /** A volume is made for it. */
  | { readonly is: "made"; readonly volume: PersistentVolume; readonly nodeName: string }
  | { readonly is: "waits"; readonly say: Saying | undefined; readonly againMs?: number }
  /** Its volume is gone or another's. */
  | { readonly is: "lost"; readonly say: Saying };

/** A node that has just joined tells where its volumes are within a heartbeat. */
const nodeAgainMs = 1_000;

/** Which volume a claim gets. Pure; the reasons and words are Kubernetes'. */
export function bindingFor(
  claim: PersistentVolumeClaim,
  users: readonly Pod[],
  view: View,
  context: ReconcileContext,
): Binding {
  const { volumeName = "" } = claim.spec ?? {};
  if (volumeName !== "") return namedVolume(claim, volumeName, view);
  const storageClass = storageClassOf(claim, view);
  const volumes = volumesFor(claim, view);
  const held = volumes.find((volume) => isHeldFor(volume, claim));
  if (held !== undefined) return { is: "bound", volume: held };
  if (storageClass?.volumeBindingMode === "WaitForFirstConsumer")
    return onNodeOfPod(claim, { users, storageClass, volumes }, view, context);
  const [best] = volumes;
  if (best !== undefined) return { is: "bound", volume: best };
  return waiting(whyUnbound(claim, storageClass));
}

/** A claim that names its volume, since it is bound or because the user wants that one. */
function namedVolume(claim: PersistentVolumeClaim, volumeName: string, view: View): Binding {
  const wasBound = metaOf(claim).annotations[BIND_COMPLETED] === "yes";
  const volume = view.cached("PersistentVolume", "", volumeName);
  if (volume === undefined)
    return wasBound
      ? lost("ClaimLost", "Bound claim has lost its PersistentVolume. Data on the volume is lost!")
      : { is: "waits", say: undefined };
  const ref = volume.object.spec?.claimRef;
  if (ref !== undefined && ref.uid === metaOf(claim).uid) return { is: "bound", volume };
  const why = whyNot(volume.object, { ...claim, spec: claim.spec && { ...claim.spec, selector: undefined } });
  if (why === undefined) return { is: "bound", volume };
  if (wasBound) return lost("ClaimMisbound", "Two claims are bound to the same volume, this one is bound incorrectly");
  const reason = ref === undefined ? "VolumeMismatch" : "FailedBinding";
  const message =
    ref === undefined
      ? `Cannot bind to requested volume "${volumeName}": ${why}`
      : `volume "${volumeName}" already bound to a different claim.`;
  return waiting({ type: "Warning", reason, message });
}

interface Offer {
  readonly users: readonly Pod[];
  readonly storageClass: StorageClass;
  readonly volumes: readonly Cached<"PersistentVolume">[];
}

function onNodeOfPod(
  claim: PersistentVolumeClaim,
  { users, storageClass, volumes }: Offer,
  view: View,
  context: ReconcileContext,
): Binding {
  const active = users.filter((pod) => !isDeleting(pod));
  const consumer = active.find((pod) => (pod.spec?.nodeName ?? "") !== "");
  if (consumer === undefined) return waiting(waitsFor(active));
  const nodeName = consumer.spec?.nodeName ?? "";
  const node = view.get("Node", "", nodeName);
  if (node === undefined) return { is: "waits", say: undefined, againMs: nodeAgainMs };
  const volume = volumes.find(({ object }) => isReachable(object, node));
  if (volume !== undefined) return { is: "bound", volume };
  if (storageClass.provisioner !== LOCAL_PROVISIONER) return waiting(whyUnbound(claim, storageClass));
  const why = whyNoFolder(claim);
  if (why !== undefined) return waiting(failed(storageClass, why));
  const made = localVolume(claim, { storageClass, node }, context);
  if (made === undefined) return { is: "waits", say: undefined, againMs: nodeAgainMs };
  return { is: "made", volume: made, nodeName };
}

/** True when the node can mount the volume. */
export function isReachable({ spec }: PersistentVolume, node: Node): boolean {
  const required = spec?.nodeAffinity?.required;
  return required === undefined || matchesNodeSelector(required, node);
}

function waitsFor([first]: readonly Pod[]): Saying {
  if (first === undefined)
    return {
      type: "Normal",
      reason: "WaitForFirstConsumer",
      message: "waiting for first consumer to be created before binding",
    };
  const message = `waiting for pod ${metaOf(first).name} to be scheduled`;
  return { type: "Normal", reason: "WaitForPodScheduled", message };
}

/** Why a claim that no volume fits does not get one made. */
function whyUnbound(claim: PersistentVolumeClaim, storageClass: StorageClass | undefined): Saying {
  const name = classOfClaim(claim) ?? "";
  if (name === "")
    return {
      type: "Normal",
      reason: "FailedBinding",
      message: "no persistent volumes available for this claim and no storage class is set",
    };
  if (storageClass === undefined)
    return {
      type: "Warning",
      reason: "ProvisioningFailed",
      message: `storageclass.storage.k8s.io "${name}" not found`,
    };
  const { provisioner } = storageClass;
  if (provisioner === NO_PROVISIONER)
    return { type: "Normal", reason: "FailedBinding", message: "no persistent volumes available for this claim" };
  if (provisioner !== LOCAL_PROVISIONER)
    return {
      type: "Normal",
      reason: "ExternalProvisioning",
      message: `Waiting for a volume to be created either by the external provisioner '${provisioner}' or manually by the system administrator`,
    };
  const why = whyNoFolder(claim);
  const mode = "volumes are made on the node of the first pod: the class needs volumeBindingMode WaitForFirstConsumer";
  return failed(storageClass, why ?? mode);
}

function failed(storageClass: StorageClass, why: string): Saying {
  const message = `failed to provision volume with StorageClass "${metaOf(storageClass).name}": ${why}`;
  return { type: "Warning", reason: "ProvisioningFailed", message };
}

function waiting(say: Saying): Binding {
  return { is: "waits", say };
}

function lost(reason: string, message: string): Binding {
  return { is: "lost", say: { type: "Warning", reason, message } };
}
