import { withoutFinalizer } from "../../../kinds/deletion.js";
import { keyOf, metaOf, type ObjectKey } from "../../../kinds/object.js";
import { isDeleting } from "../../../kinds/pod-state.js";
import {
  BIND_COMPLETED,
  BOUND_BY_CONTROLLER,
  CLAIM_PROTECTION,
  claimsOfPod,
  classOfClaim,
  SELECTED_NODE,
} from "../../../kinds/storage.js";
import { deepEqual } from "../../../lib/deep-equal.js";
import type { PersistentVolume } from "../../../proto/gen/tallship/v1/persistentvolume.js";
import {
  type PersistentVolumeClaim,
  PersistentVolumeClaimStatus,
} from "../../../proto/gen/tallship/v1/persistentvolumeclaim.js";
import type { Pod } from "../../../proto/gen/tallship/v1/pod.js";
import { ofKind } from "../../cache/of-kind.js";
import type { CacheChange, Cached, View } from "../../cache/view.js";
import type { Notice } from "../../events/notice.js";
import { type Controller, NOTHING, type ObjectWrite, type Outcome, type ReconcileContext } from "../controller.js";
import { namesUsedBy } from "../pod-uses.js";
import { create, replace, typedOf } from "../writes.js";
import { type Binding, bindingFor } from "./binding.js";
import { ClaimUsers } from "./claim-users.js";
import { holdWrites } from "./hold.js";
import { defaultClass } from "./match.js";

type Claim = Cached<"PersistentVolumeClaim">;

/**
 * Brings claims and volumes together, makes volumes for claims of class `local` on the node of their first pod, and keeps a claim until no pod
 * uses it. Claim and volume are written in one transaction, so they never disagree.
 */
export function volumeClaims(): Controller {
  const users = new ClaimUsers();
  return {
    name: "volume-claims",
    keysFor: (change, view) => {
      users.take(change);
      return keysFor(change, view);
    },
    reconcile: ({ namespace, name }, view, context) => {
      const cached = view.cached("PersistentVolumeClaim", namespace, name);
      return cached === undefined ? NOTHING : reconcile(cached, users.of(cached.object, view), view, context);
    },
  };
}

function keysFor({ key, before, after }: CacheChange, view: View): readonly ObjectKey[] {
  switch (key.kind) {
    case "PersistentVolumeClaim":
      return [key];
    case "Pod":
      return keysOfPod(key.namespace, ofKind(before, "Pod")?.object, ofKind(after, "Pod")?.object);
    case "PersistentVolume": {
      const refs = [before, after].map((cached) => ofKind(cached, "PersistentVolume")?.object.spec?.claimRef);
      const named = refs.flatMap((ref) => (ref === undefined ? [] : [claimKey(ref.namespace, ref.name)]));
      return after !== undefined && refs[1] === undefined ? [...named, ...pending(view)] : named;
    }
    case "StorageClass":
      return pending(view);
    default:
      return [];
  }
}

function claimKey(namespace: string, name: string): ObjectKey {
  return { kind: "PersistentVolumeClaim", namespace, name };
}

function keysOfPod(namespace: string, before: Pod | undefined, after: Pod | undefined): readonly ObjectKey[] {
  return [...namesUsedBy(before, after, claimsOfPod)].map((name) => claimKey(namespace, name));
}

function pending(view: View): readonly ObjectKey[] {
  return view
    .list("PersistentVolumeClaim")
    .filter(({ object }) => object.status?.phase !== "Bound")
    .map(({ object }) => claimKey(metaOf(object).namespace, metaOf(object).name));
}

function reconcile(cached: Claim, users: readonly Pod[], view: View, context: ReconcileContext): Outcome {
  const claim = withBasics(cached.object, view);
  if (isDeleting(claim)) return users.length > 0 ? NOTHING : { writes: release(cached) };
  const binding = bindingFor(claim, users, view, context);
  const { writes, after } = apply(cached, claim, binding);
  // A claim that waits for a node to say where its volumes are is looked at again; all else brings a change.
  const againMs = binding.is === "waits" ? binding.againMs : undefined;
  return { writes: [...claimWrites(cached, after), ...writes], notices: noticesOf(claim, binding), againMs };
}

/** What every claim has: the finalizer that protects it, and a class when there is a default. */
export function withBasics(claim: PersistentVolumeClaim, view: View): PersistentVolumeClaim {
  const meta = metaOf(claim);
  const needsClass = classOfClaim(claim) === undefined && claim.spec?.volumeName === "" && !isDeleting(claim);
  const storageClassName = needsClass ? defaultClass(view) : undefined;
  const spec = storageClassName === undefined ? claim.spec : claim.spec && { ...claim.spec, storageClassName };
  const isProtected = isDeleting(claim) || meta.finalizers.includes(CLAIM_PROTECTION);
  const finalizers = isProtected ? meta.finalizers : [...meta.finalizers, CLAIM_PROTECTION];
  return { ...claim, metadata: { ...meta, finalizers }, spec };
}

/** The claim, and the volume when it changes, as the binding makes them. */
function apply(
  cached: Claim,
  claim: PersistentVolumeClaim,
  binding: Binding,
): { readonly after: PersistentVolumeClaim; readonly writes: readonly ObjectWrite[] } {
  const phased = (phase: "Pending" | "Lost"): PersistentVolumeClaim => ({
    ...claim,
    status: { ...PersistentVolumeClaimStatus.fromPartial({}), phase },
  });
  switch (binding.is) {
    case "waits":
      return { after: phased("Pending"), writes: [] };
    case "lost":
      return { after: phased("Lost"), writes: [] };
    case "made":
      return {
        after: bound(claim, binding.volume, { isChosen: true, nodeName: binding.nodeName }),
        writes: [create("PersistentVolume", binding.volume)],
      };
    case "bound": {
      const { volume } = binding;
      const isChosen = cached.object.spec?.volumeName === "";
      return { after: bound(claim, volume.object, { isChosen }), writes: holdWrites(volume, claim) };
    }
  }
}

function bound(
  claim: PersistentVolumeClaim,
  volume: PersistentVolume,
  { isChosen, nodeName }: { readonly isChosen: boolean; readonly nodeName?: string },
): PersistentVolumeClaim {
  const meta = metaOf(claim);
  const annotations = {
    ...meta.annotations,
    [BIND_COMPLETED]: "yes",
    ...(isChosen && { [BOUND_BY_CONTROLLER]: "yes" }),
    ...(nodeName !== undefined && { [SELECTED_NODE]: nodeName }),
  };
  return {
    ...claim,
    metadata: { ...meta, annotations },
    spec: claim.spec && { ...claim.spec, volumeName: metaOf(volume).name },
    status: {
      ...PersistentVolumeClaimStatus.fromPartial({}),
      phase: "Bound",
      accessModes: volume.spec?.accessModes ?? [],
      capacity: { ...volume.spec?.capacity },
    },
  };
}

function claimWrites(cached: Claim, after: PersistentVolumeClaim): readonly ObjectWrite[] {
  if (deepEqual(after, cached.object)) return [];
  const meta = metaOf(after);
  const isSameSpec = deepEqual(after.spec, cached.object.spec);
  const generation = isSameSpec ? meta.generation : meta.generation + 1;
  return [replace(cached, { ...after, metadata: { ...meta, generation } })];
}

/** No pod uses the claim: it may go. */
function release(cached: Claim): readonly ObjectWrite[] {
  const deletion = withoutFinalizer(typedOf(cached), CLAIM_PROTECTION);
  if (deletion.is === "unchanged") return [];
  if (deletion.is === "mark") return [{ op: "put", typed: deletion.typed, revision: cached.revision }];
  return [{ op: "delete", key: keyOf(typedOf(cached)), revision: cached.revision }];
}

function noticesOf(claim: PersistentVolumeClaim, binding: Binding): readonly Notice[] {
  const { name, namespace } = metaOf(claim);
  const about = claimKey(namespace, name);
  if (binding.is === "made") {
    const message = `Successfully provisioned volume ${metaOf(binding.volume).name}`;
    return [{ about, type: "Normal", reason: "ProvisioningSucceeded", message }];
  }
  return binding.is === "bound" || binding.say === undefined ? [] : [{ about, ...binding.say }];
}
