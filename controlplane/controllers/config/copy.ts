import { COPY_OF, configContent } from "../../../kinds/config-copies.js";
import type { ConfigKind } from "../../../kinds/config-uses.js";
import { metaOf } from "../../../kinds/object.js";
import type { KindMap } from "../../../kinds/registry.js";
import { deepEqual } from "../../../lib/deep-equal.js";
import { ObjectMeta } from "../../../proto/gen/tallship/v1/meta.js";

/** Digest of bytes, hex, that only control planes can compute: names of copies tell nothing of a secret. */
export type Digest = (bytes: Uint8Array) => string;

/** Digits of the digest in a copy's name: 64 bits. */
const digits = 16;
const maxBaseLength = 253 - digits - 1;

/** The part of a ConfigMap or Secret that pods use, as it is now, under a name derived from it. */
export interface ConfigCopy {
  readonly kind: ConfigKind;
  readonly name: string;
  /** The copy as an object, owned by nobody yet. */
  readonly object: KindMap[ConfigKind];
  /** True when an object holds just this content. */
  isIn(standing: KindMap[ConfigKind]): boolean;
}

const known = new WeakMap<object, Map<string, ConfigCopy>>();

/** The copy of an object's content, of the named keys or of all; worked out once per object and keys. */
export function copyOf(
  kind: ConfigKind,
  original: KindMap[ConfigKind],
  keys: ReadonlySet<string> | undefined,
  digest: Digest,
): ConfigCopy {
  const ofObject = known.get(original) ?? new Map<string, ConfigCopy>();
  known.set(original, ofObject);
  const selection = keys === undefined ? "" : [...keys].sort().join("/");
  const before = ofObject.get(selection);
  if (before !== undefined) return before;
  const copy = newCopy(kind, original, keys, digest);
  ofObject.set(selection, copy);
  return copy;
}

function newCopy(
  kind: ConfigKind,
  original: KindMap[ConfigKind],
  keys: ReadonlySet<string> | undefined,
  digest: Digest,
): ConfigCopy {
  const { name, namespace } = metaOf(original);
  const content = configContent(original, keys);
  const labels = { [COPY_OF]: name.slice(0, 63).replace(/[^a-zA-Z0-9]+$/, "") };
  const copyName = `${name.slice(0, maxBaseLength)}-${digest(bytesOf(content)).slice(0, digits)}`;
  const metadata = ObjectMeta.fromPartial({ name: copyName, namespace, labels });
  return {
    kind,
    name: copyName,
    object: { ...content, metadata },
    isIn: (standing) => deepEqual(configContent(standing, undefined), content),
  };
}

/** The content as bytes, the same for the same content whatever the order of its keys. */
function bytesOf(content: KindMap[ConfigKind]): Uint8Array {
  const isSecret = "type" in content;
  const values = [...Object.entries(content.data), ...Object.entries(isSecret ? {} : content.binaryData)];
  const lines = values.map(([key, value]) => [key, Buffer.from(value).toString("base64")]);
  lines.sort(([left = ""], [right = ""]) => (left < right ? -1 : 1));
  return Buffer.from(JSON.stringify([isSecret ? content.type : "", lines]));
}
