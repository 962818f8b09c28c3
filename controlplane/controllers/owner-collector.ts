import {
  FOREGROUND_FINALIZER,
  isReleased,
  ORPHAN_FINALIZER,
  type Propagation,
  withoutFinalizer,
} from "../../kinds/deletion.js";
import { splitApiVersion } from "../../kinds/lookup.js";
import { keyOf, keyText, metaOf, type ObjectKey } from "../../kinds/object.js";
import { isDeleting } from "../../kinds/pod-state.js";
import { isKindName, KINDS, type KindName } from "../../kinds/registry.js";
import { deepEqual } from "../../lib/deep-equal.js";
import { limit } from "../../lib/limits.js";
import type { OwnerReference } from "../../proto/gen/tallship/v1/meta.js";
import type { CacheChange, Cached, View } from "../cache/view.js";
import { type Controller, NOTHING, type ObjectWrite, type Outcome, type ReconcileContext } from "./controller.js";
import { remove, replaceMeta, typedOf } from "./writes.js";

const kinds: readonly KindName[] = Object.keys(KINDS)
  .filter(isKindName)
  .filter((kind) => kind !== "Event");

/**
 * Collects what belongs to objects that are gone, by uid, as Kubernetes does. Background: an object goes when the last of its owners is gone.
 * Foreground: an owner stays until the objects that block it are gone. Orphan: an owner stays until nothing names it any more. An owner of a
 * kind that is not known here counts as there.
 */
export function ownerCollector(): Controller {
  const dependents = new Dependents();
  return {
    name: "owner-collector",
    keysFor: (change, view) => {
      dependents.take(change);
      return keysFor(change, view, dependents);
    },
    reconcile: (key, view, context) => reconcile(key, view, dependents, context),
  };
}

/** Objects by the uids of owners that do not control them; the view knows those that do. Follows the changes. */
class Dependents {
  private readonly byOwner = new Map<string, Map<string, ObjectKey>>();

  take({ key, before, after }: CacheChange): void {
    const [was, is] = [before, after].map((cached) => new Set(cached === undefined ? [] : othersOf(cached)));
    for (const uid of was ?? []) if (is?.has(uid) !== true) this.delete(uid, key);
    for (const uid of is ?? []) this.add(uid, key);
  }

  /** Everything that names the uid as an owner. */
  of(uid: string, view: View): readonly Cached[] {
    const controlled = kinds.flatMap((kind): readonly Cached[] => view.ownedBy(kind, uid));
    const others = [...(this.byOwner.get(uid)?.values() ?? [])].flatMap((key) => {
      const cached = view.cached(key.kind, key.namespace, key.name);
      return cached !== undefined && othersOf(cached).includes(uid) ? [cached] : [];
    });
    return [...controlled, ...others];
  }

  private add(uid: string, key: ObjectKey): void {
    const keys = this.byOwner.get(uid) ?? new Map<string, ObjectKey>();
    keys.set(keyText(key), key);
    this.byOwner.set(uid, keys);
  }

  private delete(uid: string, key: ObjectKey): void {
    const keys = this.byOwner.get(uid);
    keys?.delete(keyText(key));
    if (keys?.size === 0) this.byOwner.delete(uid);
  }
}

function othersOf({ object }: Cached): readonly string[] {
  return metaOf(object)
    .ownerReferences.filter(({ controller }) => controller !== true)
    .map(({ uid }) => uid);
}

/** Names the work that an owner leaves behind: what it owned is looked at together. No object's name has a colon. */
const gonePrefix = "gone:";

function keysFor({ key, before, after }: CacheChange, view: View, dependents: Dependents): readonly ObjectKey[] {
  const uidBefore = before && metaOf(before.object).uid;
  const isGone = uidBefore !== undefined && (after === undefined || metaOf(after.object).uid !== uidBefore);
  if (after !== undefined && !isGone && before !== undefined && isSameFate(before, after)) return [];
  const keys: ObjectKey[] = [];
  if (isGone) keys.push({ ...key, namespace: "", name: `${gonePrefix}${uidBefore}` });
  // An owner may have waited for what is gone, or for what no longer names it.
  if (before !== undefined) keys.push(...ownersOf(before, view));
  if (after === undefined) return keys;
  // What has other owners too only loses its reference to one that waits.
  if (isWaiting(after)) keys.push(...dependents.of(metaOf(after.object).uid, view).map((each) => keyOf(typedOf(each))));
  return isDeleting(after.object) || metaOf(after.object).ownerReferences.length > 0 ? [...keys, key] : keys;
}

/** True when nothing changed that decides over an object's life. */
function isSameFate(before: Cached, after: Cached): boolean {
  const [was, is] = [metaOf(before.object), metaOf(after.object)];
  return (
    was.deletionTimestamp === is.deletionTimestamp &&
    was.deletionGracePeriodSeconds === is.deletionGracePeriodSeconds &&
    deepEqual(was.finalizers, is.finalizers) &&
    deepEqual(was.ownerReferences, is.ownerReferences)
  );
}

function ownersOf(cached: Cached, view: View): readonly ObjectKey[] {
  return metaOf(cached.object).ownerReferences.flatMap((reference) => {
    const owner = ownerOf(cached, reference, view);
    return owner.is === "there" ? [keyOf(typedOf(owner.cached))] : [];
  });
}

type Owner = { readonly is: "there"; readonly cached: Cached } | { readonly is: "gone" } | { readonly is: "unknown" };

/** The object that a reference means: the same uid, in the same namespace or without one. */
function ownerOf(cached: Cached, { apiVersion, kind, name, uid }: OwnerReference, view: View): Owner {
  if (!isKindName(kind) || KINDS[kind].group !== splitApiVersion(apiVersion).group) return { is: "unknown" };
  const owner = view.cached(kind, KINDS[kind].isNamespaced ? metaOf(cached.object).namespace : "", name);
  return owner !== undefined && metaOf(owner.object).uid === uid ? { is: "there", cached: owner } : { is: "gone" };
}

function reconcile(key: ObjectKey, view: View, dependents: Dependents, context: ReconcileContext): Outcome {
  if (key.name.startsWith(gonePrefix)) return bequeath(key.name.slice(gonePrefix.length), view, dependents, context);
  const cached = view.cached(key.kind, key.namespace, key.name);
  if (cached === undefined) return NOTHING;
  if (isDeleting(cached.object)) return finish(cached, dependents.of(metaOf(cached.object).uid, view), context);
  return { writes: collect(cached, view, context) };
}

/** Looks at all that a deleted object owned, a transaction at a time. */
function bequeath(uid: string, view: View, dependents: Dependents, context: ReconcileContext): Outcome {
  const most = limit("transactionObjects");
  const writes: ObjectWrite[] = [];
  for (const child of dependents.of(uid, view)) {
    if (isDeleting(child.object)) continue;
    writes.push(...collect(child, view, context));
    if (writes.length >= most) return { writes: writes.slice(0, most), againMs: 0 };
  }
  return { writes };
}

/** Decides by an object's owners whether it goes. */
function collect(cached: Cached, view: View, { nowMs }: ReconcileContext): readonly ObjectWrite[] {
  const meta = metaOf(cached.object);
  if (meta.ownerReferences.length === 0) return [];
  const owners = meta.ownerReferences.map((reference) => ({ reference, owner: ownerOf(cached, reference, view) }));
  const solid = owners.filter(
    ({ owner }) => owner.is === "unknown" || (owner.is === "there" && !isWaiting(owner.cached)),
  );
  const waits = owners.some(({ owner }) => owner.is === "there" && isWaiting(owner.cached));
  if (solid.length === 0)
    return remove(cached, { nowMs, propagation: waits ? foregroundFor(cached) : inherited(cached) });
  if (solid.length === owners.length) return [];
  return [replaceMeta(cached, { ...meta, ownerReferences: solid.map(({ reference }) => reference) })];
}

/** What the user asked for on the object itself stands. */
function inherited({ object }: Cached): Propagation | undefined {
  return metaOf(object).finalizers.includes(ORPHAN_FINALIZER) ? "orphan" : undefined;
}

/** A pod owns nothing: waiting for that would only be two writes more. */
function foregroundFor({ kind }: Cached): Propagation | undefined {
  return kind === "Pod" ? undefined : "foreground";
}

function isWaiting({ object }: Cached): boolean {
  return isDeleting(object) && metaOf(object).finalizers.includes(FOREGROUND_FINALIZER);
}

/** Does what an object's own finalizers ask for, and removes it when nothing holds it any more. */
function finish(cached: Cached, owned: readonly Cached[], { nowMs }: ReconcileContext): Outcome {
  const { finalizers } = metaOf(cached.object);
  if (finalizers.includes(ORPHAN_FINALIZER))
    return some(
      owned.map((child) => disown(child, cached)),
      cached,
      ORPHAN_FINALIZER,
    );
  if (finalizers.includes(FOREGROUND_FINALIZER)) {
    const { uid } = metaOf(cached.object);
    const blocking = owned.filter((child) => isBlocking(child, uid));
    const going = owned
      .filter((child) => !isDeleting(child.object) && !hasOtherOwner(child, uid))
      .flatMap((child) => remove(child, { nowMs, propagation: foregroundFor(child) }));
    if (blocking.length === 0 || going.length > 0) return some(going, cached, FOREGROUND_FINALIZER);
    return NOTHING;
  }
  return isReleased(typedOf(cached)) ? { writes: remove(cached, { nowMs, graceSeconds: 0 }) } : NOTHING;
}

function isBlocking(child: Cached, uid: string): boolean {
  return metaOf(child.object).ownerReferences.some((each) => each.uid === uid && each.blockOwnerDeletion === true);
}

function hasOtherOwner(child: Cached, uid: string): boolean {
  return metaOf(child.object).ownerReferences.some((each) => each.uid !== uid);
}

function disown(child: Cached, owner: Cached): ObjectWrite {
  const meta = metaOf(child.object);
  const { uid } = metaOf(owner.object);
  return replaceMeta(child, { ...meta, ownerReferences: meta.ownerReferences.filter((each) => each.uid !== uid) });
}

/** As many of the writes as fit; when there are none, the finalizer has done its work. */
function some(writes: readonly ObjectWrite[], cached: Cached, finalizer: string): Outcome {
  const most = limit("transactionObjects");
  if (writes.length > 0) return { writes: writes.slice(0, most), againMs: 0 };
  const deletion = withoutFinalizer(typedOf(cached), finalizer);
  if (deletion.is === "unchanged") return NOTHING;
  if (deletion.is === "mark") return { writes: [{ op: "put", typed: deletion.typed, revision: cached.revision }] };
  return { writes: [{ op: "delete", key: keyOf(typedOf(cached)), revision: cached.revision }] };
}
