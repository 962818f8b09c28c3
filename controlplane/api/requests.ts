import type { Propagation } from "../../kinds/deletion.js";
import { isImageName } from "../../kinds/image-reference.js";
import { decodeObject, metaOf, type ObjectKey, type Typed, withMeta } from "../../kinds/object.js";
import { isKindName, KINDS, type KindName } from "../../kinds/registry.js";
import { TallshipError } from "../../lib/errors.js";
import { limit } from "../../lib/limits.js";
import type { ObjectName } from "../../proto/gen/tallship/v1/api.js";

// Requests are parsed here, at the edge; what lies behind trusts its arguments.

/** The kind that a request names. */
export function requestedKind(kind: string): KindName {
  if (isKindName(kind)) return kind;
  throw new TallshipError("unknown_kind", `there is no kind "${kind}"`);
}

/** The object that a request names. A namespace is dropped where the kind has none. */
export function requestedKey(name: ObjectName | undefined): ObjectKey {
  if (name === undefined || name.name === "")
    throw new TallshipError("invalid_argument", "the request names no object");
  const kind = requestedKind(name.kind);
  if (!KINDS[kind].isNamespaced) return { kind, namespace: "", name: nameSegment(kind, name.name) };
  if (name.namespace === "")
    throw new TallshipError("invalid_argument", `${kind} ${name.name}: the request names no namespace`);
  return { kind, namespace: segment(name.namespace), name: segment(name.name) };
}

/** The object that a request carries. A namespace is dropped where the kind has none, as Kubernetes' server does. */
export function requestedObject(bytes: Uint8Array): Typed {
  if (bytes.length > limit("objectBytes"))
    throw new TallshipError("too_large", `an object of ${bytes.length} bytes, at most ${limit("objectBytes")}`);
  const typed = decodeObject(bytes);
  const meta = metaOf(typed.object);
  nameSegment(typed.kind, meta.name);
  if (!KINDS[typed.kind].isNamespaced)
    return meta.namespace === "" ? typed : withMeta(typed, { ...meta, namespace: "" });
  if (meta.namespace !== "") {
    segment(meta.namespace);
    return typed;
  }
  throw new TallshipError("invalid_argument", `${typed.kind} ${meta.name}: metadata.namespace: this field is required`);
}

/** The object that a request wants written. Revisions are the server's record: nobody else writes one. */
export function writableObject(bytes: Uint8Array): Typed {
  const typed = requestedObject(bytes);
  if (typed.kind !== "Revision") return typed;
  throw new TallshipError("invalid_argument", "kind Revision is written by the server alone, by each apply");
}

/** Seconds of grace that a request names; undefined: the object's own. */
export function requestedGrace({
  gracePeriodSeconds,
}: {
  readonly gracePeriodSeconds?: number | undefined;
}): number | undefined {
  if (gracePeriodSeconds === undefined || gracePeriodSeconds >= 0) return gracePeriodSeconds;
  throw new TallshipError("invalid_argument", `delete: a grace period of ${gracePeriodSeconds} s`);
}

/** What a delete does to the objects owned; undefined: as it stands, which at first is background. */
export function requestedPropagation(text: string): Propagation | undefined {
  if (text === "") return undefined;
  if (text === "background" || text === "foreground" || text === "orphan") return text;
  throw new TallshipError("invalid_argument", `propagation "${text}": want background, foreground or orphan`);
}

/** The name of an image is a path; its store key has no slash for each of it. */
function nameSegment(kind: KindName, name: string): string {
  if (kind !== "Image") return segment(name);
  if (name === "" || isImageName(name)) return name;
  throw new TallshipError("invalid_argument", `"${name.slice(0, 80)}" cannot be the name of an image`);
}

/** Names become parts of store keys: one that could leave its place is refused before anything is looked up by it. */
function segment(text: string): string {
  if (!text.includes("/") && text !== "." && text !== ".." && text !== "_") return text;
  throw new TallshipError("invalid_argument", `"${text.slice(0, 80)}" cannot be a name`);
}
