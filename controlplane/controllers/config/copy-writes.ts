import type { Pins } from "../../../kinds/config-copies.js";
import { metaOf } from "../../../kinds/object.js";
import { apiVersionOf } from "../../../kinds/registry.js";
import { rfc3339 } from "../../../lib/clock.js";
import type { OwnerReference } from "../../../proto/gen/tallship/v1/meta.js";
import type { Cached, View } from "../../cache/view.js";
import type { ObjectWrite, ReconcileContext } from "../controller.js";
import { create, replaceMeta } from "../writes.js";
import type { ConfigCopy } from "./copy.js";

/** A revision of a workload that keeps copies alive: they go with the last one that does. */
type Keeper = Pick<Cached, "kind" | "object">;

/**
 * The writes after which the copies that a revision's pins name exist and belong to it. A copy that is gone, and whose content is not there
 * any more, cannot be made again; its pods wait for it and say so.
 */
export function copyWrites(
  keeper: Keeper,
  pins: Pins,
  copies: readonly ConfigCopy[],
  view: View,
  context: ReconcileContext,
): readonly ObjectWrite[] {
  const pinned = new Set(Object.values(pins));
  if (pinned.size === 0) return [];
  const { namespace } = metaOf(keeper.object);
  const owner = ownerReference(keeper);
  // One content may be pinned twice; it is one copy.
  const byName = new Map(
    copies.filter(({ name }) => pinned.has(name)).map((copy) => [`${copy.kind}/${copy.name}`, copy]),
  );
  return [...byName.values()].flatMap((copy): readonly ObjectWrite[] => {
    const standing = view.cached(copy.kind, namespace, copy.name);
    if (standing === undefined) return [creation(copy, owner, context)];
    const meta = metaOf(standing.object);
    if (meta.ownerReferences.some(({ uid }) => uid === owner.uid)) return [];
    return [replaceMeta(standing, { ...meta, ownerReferences: [...meta.ownerReferences, owner] })];
  });
}

function creation(
  { kind, object }: ConfigCopy,
  owner: OwnerReference,
  { nowMs, newUid }: ReconcileContext,
): ObjectWrite {
  const metadata = {
    ...metaOf(object),
    uid: newUid(),
    creationTimestamp: rfc3339(nowMs),
    ownerReferences: [owner],
  };
  return create(kind, { ...object, metadata });
}

function ownerReference({ kind, object }: Keeper): OwnerReference {
  const { name, uid } = metaOf(object);
  return { apiVersion: apiVersionOf(kind), kind, name, uid, controller: undefined, blockOwnerDeletion: undefined };
}
