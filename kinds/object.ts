import { TallshipError } from "../lib/errors.js";
import type { ObjectMeta } from "../proto/gen/tallship/v1/meta.js";
import { AnyObject } from "../proto/gen/tallship/v1/object.js";
import { isKindName, KINDS, type KindMap, type KindName } from "./registry.js";

/** An object with the name of its kind. Immutable: a change is a new object. */
export type Typed<K extends KindName = KindName> = { [P in K]: { readonly kind: P; readonly object: KindMap[P] } }[K];

/** Names an object: kind, namespace (empty when the kind has none) and name. */
export interface ObjectKey<K extends KindName = KindName> {
  readonly kind: K;
  readonly namespace: string;
  readonly name: string;
}

/** The bytes that etcd holds and the API carries: AnyObject. */
export function encodeObject(typed: Typed): Uint8Array {
  // The union's cases are the kinds; TypeScript cannot see that the pair stays together.
  return AnyObject.encode({
    kind: { $case: typed.kind, value: typed.object } as NonNullable<AnyObject["kind"]>,
  }).finish();
}

/** Reads AnyObject; throws invalid_argument when the bytes are malformed or name no known kind. */
export function decodeObject(bytes: Uint8Array): Typed {
  const { kind } = decodeAny(bytes);
  if (kind === undefined) throw new TallshipError("unknown_kind", "decode object: no kind that this version knows");
  // The union's cases are the kinds.
  return { kind: kind.$case, object: kind.value } as Typed;
}

function decodeAny(bytes: Uint8Array): AnyObject {
  try {
    return AnyObject.decode(bytes);
  } catch (cause) {
    throw new TallshipError("invalid_argument", "decode object: malformed bytes", { cause });
  }
}

/** The object's metadata; throws when it has none, which admission never lets through. */
export function metaOf(object: { readonly metadata?: ObjectMeta | undefined }): ObjectMeta {
  if (object.metadata === undefined) throw new TallshipError("invalid_argument", "object without metadata");
  return object.metadata;
}

/** The object with other metadata. */
export function withMeta<T extends Typed>(typed: T, metadata: ObjectMeta): T {
  return { ...typed, object: { ...typed.object, metadata } };
}

/** The object's key. */
export function keyOf<K extends KindName>(typed: Typed<K>): ObjectKey<K> {
  const meta = metaOf(typed.object);
  return { kind: typed.kind, namespace: meta.namespace, name: meta.name };
}

/** The key as one string, for maps and logs: Kind/namespace/name, or Kind/name. */
export function keyText(key: ObjectKey): string {
  return key.namespace === "" ? `${key.kind}/${key.name}` : `${key.kind}/${key.namespace}/${key.name}`;
}

/** Stands for a slash in the name of an image, which is a path; no such name holds it. */
const SLASH = "%2F";

/** The etcd key of an object: /tallship/<group|core>/<kind>/<namespace|_>/<name>. Events have a prefix of their own. */
export function storeKey(key: ObjectKey): string {
  const name = key.kind === "Image" ? key.name.replaceAll("/", SLASH) : key.name;
  return `${storePrefix(key.kind)}${key.namespace === "" ? "_" : key.namespace}/${name}`;
}

/** The etcd prefix of all objects of a kind. */
export function storePrefix(kind: KindName): string {
  if (kind === "Event") return "/tallship-events/core/Event/";
  return `/tallship/${KINDS[kind].group || "core"}/${kind}/`;
}

/** The key of a store key; undefined when it is not an object's. */
export function parseStoreKey(text: string): ObjectKey | undefined {
  const [, root, , kind, namespace, name, ...rest] = text.split("/");
  if ((root !== "tallship" && root !== "tallship-events") || rest.length > 0) return undefined;
  if (kind === undefined || !isKindName(kind) || namespace === undefined || name === undefined) return undefined;
  const plain = kind === "Image" ? name.replaceAll(SLASH, "/") : name;
  return { kind, namespace: namespace === "_" ? "" : namespace, name: plain };
}
