import { BinaryReader } from "@bufbuild/protobuf/wire";
import { defaultSecret } from "../../../kinds/defaults/config.js";
import { metaOf, type Typed, withMeta } from "../../../kinds/object.js";
import { KINDS, type KindName } from "../../../kinds/registry.js";
import { ObjectMeta } from "../../../proto/gen/tallship/v1/meta.js";
import { hasStatus, statusOf, withParts } from "../admission/parts.js";

/** What a document asks for: the object without what the server writes, and its bytes as they are kept in metadata.applied. */
export interface Claim {
  readonly typed: Typed;
  readonly bytes: Uint8Array;
}

/** The claim of a document as it was sent. Its own bytes serve when nothing had to be taken away. */
export function claimOf(sent: Typed, sentBytes: Uint8Array): Claim {
  const typed = intentOf(sent);
  const own = typed === sent ? messageBytes(sentBytes) : undefined;
  return { typed, bytes: own ?? encodeMessage(typed) };
}

/** The claim that stands for an object that nobody applied: all that a user may write. */
export function claimOfLive(live: Typed): Claim {
  const typed = intentOf(live);
  return { typed, bytes: encodeMessage(typed) };
}

/** An object from the bytes of its kind's message. */
export function decodeMessage(kind: KindName, bytes: Uint8Array): Typed {
  // The row's message is that of the kind.
  return { kind, object: KINDS[kind].message.decode(bytes) } as Typed;
}

/** The bytes of the kind's message. */
export function encodeMessage({ kind, object }: Typed): Uint8Array {
  const { message } = KINDS[kind];
  // The object is of the row's kind; the union of all rows takes none.
  return (message as { encode(value: Typed["object"]): { finish(): Uint8Array } }).encode(object).finish();
}

function intentOf(typed: Typed): Typed {
  const { name, namespace, labels, annotations, ownerReferences, finalizers } = metaOf(typed.object);
  const intended = ObjectMeta.fromPartial({ name, namespace });
  const meta: ObjectMeta = { ...intended, labels, annotations, ownerReferences, finalizers };
  const plain = typed.kind === "Secret" ? { kind: typed.kind, object: defaultSecret(typed.object) } : typed;
  const isBare =
    isSameMeta(metaOf(typed.object), meta) && statusOf(typed) === undefined && plain.object === typed.object;
  if (isBare) return typed;
  const bare = withMeta<Typed>(plain, meta);
  return hasStatus(typed.kind) ? withParts(bare, { status: undefined }) : bare;
}

function isSameMeta(left: ObjectMeta, right: ObjectMeta): boolean {
  return (
    left.namespace === right.namespace &&
    left.generateName === "" &&
    left.uid === "" &&
    left.resourceVersion === "" &&
    left.generation === 0 &&
    left.creationTimestamp === "" &&
    left.deletionTimestamp === "" &&
    left.deletionGracePeriodSeconds === undefined &&
    Object.keys(left.applied).length === 0
  );
}

/** The kind's message within the bytes of AnyObject; undefined when there is more than that one field. */
function messageBytes(objectBytes: Uint8Array): Uint8Array | undefined {
  const reader = new BinaryReader(objectBytes);
  reader.uint32();
  const bytes = reader.bytes();
  return reader.pos === reader.len ? bytes : undefined;
}
