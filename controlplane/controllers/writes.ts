import { type DeleteOptions, deletionOf } from "../../kinds/deletion.js";
import { keyOf, metaOf, type Typed, withMeta } from "../../kinds/object.js";
import { apiVersionOf, type KindMap, type KindName } from "../../kinds/registry.js";
import { rfc3339 } from "../../lib/clock.js";
import { ObjectMeta, type OwnerReference } from "../../proto/gen/tallship/v1/meta.js";
import type { Cached } from "../cache/view.js";
import type { ObjectWrite, ReconcileContext } from "./controller.js";

/** Replaces an object, on the revision that the decision was made on. */
export function replace<K extends KindName>(cached: Cached<K>, object: KindMap[K]): ObjectWrite {
  return { op: "put", typed: typedAs(cached.kind, object), revision: cached.revision };
}

/** Creates an object; a conflict when one of that name exists. */
export function create<K extends KindName>(kind: K, object: KindMap[K]): ObjectWrite {
  return { op: "put", typed: typedAs(kind, object), revision: 0 };
}

/** Deletes an object by the rules of kinds/deletion.ts; nothing when it is being deleted already. */
export function remove(cached: Cached, options: DeleteOptions): readonly ObjectWrite[] {
  const typed = typedOf(cached);
  const deletion = deletionOf(typed, options);
  if (deletion.is === "unchanged") return [];
  if (deletion.is === "mark") return [{ op: "put", typed: deletion.typed, revision: cached.revision }];
  return [{ op: "delete", key: keyOf(typed), revision: cached.revision }];
}

/** Replaces an object's metadata alone. */
export function replaceMeta(cached: Cached, metadata: ObjectMeta): ObjectWrite {
  return { op: "put", typed: withMeta(typedOf(cached), metadata), revision: cached.revision };
}

/** The cached object with the name of its kind. */
export function typedOf<K extends KindName>(cached: Cached<K>): Typed {
  return typedAs(cached.kind, cached.object);
}

function typedAs<K extends KindName>(kind: K, object: KindMap[K]): Typed {
  // A kind and an object of that kind make a Typed; TypeScript does not follow the pair through the union.
  return { kind, object } as unknown as Typed;
}

/** Metadata of an object that a controller creates for another one. */
export function childMeta(
  owner: Cached,
  name: string,
  parts: Partial<Pick<ObjectMeta, "labels" | "annotations" | "finalizers">>,
  { nowMs, newUid }: ReconcileContext,
): ObjectMeta {
  return ObjectMeta.fromPartial({
    ...parts,
    name,
    namespace: metaOf(owner.object).namespace,
    uid: newUid(),
    generation: 1,
    creationTimestamp: rfc3339(nowMs),
    ownerReferences: [controllerReference(owner)],
  });
}

/** The reference by which an object names the one that controls it. */
export function controllerReference(owner: Cached): OwnerReference {
  const { name, uid } = metaOf(owner.object);
  const { kind } = owner;
  return { apiVersion: apiVersionOf(kind), kind, name, uid, controller: true, blockOwnerDeletion: true };
}

/** The reference to the object's controller; undefined when nobody controls it. */
export function controllerOf(object: { readonly metadata?: ObjectMeta | undefined }): OwnerReference | undefined {
  return object.metadata?.ownerReferences.find(({ controller }) => controller === true);
}
