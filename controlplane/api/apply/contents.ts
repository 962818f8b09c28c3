import { createHash } from "node:crypto";
import type { KindName } from "../../../kinds/registry.js";
import { limit } from "../../../lib/limits.js";
import { CONTENT } from "../../store/keys.js";
import type { Sealer } from "../../store/seal.js";
import type { Write } from "../../store/store.js";

/** What was applied, stored once under its digest. A Secret's digest is keyed and its copy sealed: it is a secret too. */
export interface Content {
  readonly digest: string;
  readonly bytes: Uint8Array;
}

const SEALED = "sealed-";

/** The content of a claim on an object of the kind. Contents for no kind are the server's own. */
export function contentOf(bytes: Uint8Array, kind: KindName | undefined, sealer: Sealer): Content {
  if (kind === "Secret") return { digest: `${SEALED}${sealer.digest(bytes)}`, bytes };
  return { digest: createHash("sha256").update(bytes).digest("hex"), bytes };
}

/** Where a content is stored. */
export function contentKey(digest: string): string {
  return `${CONTENT.plain}${digest}`;
}

/** Puts a content, whether or not it is there: whoever collects contents sees by the revision that it is wanted again. */
export function contentWrite({ digest, bytes }: Content): Write {
  return { op: "put", key: contentKey(digest), value: bytes };
}

// No message begins with a zero byte, so that a reference is never taken for one.
const REFERENCE = Buffer.from([0]);

/**
 * What metadata.applied holds of a claim: its bytes, or for a large one a reference to its content, so that an object that almost fills the bound
 * need not fit into it twice.
 */
export function appliedValue({ digest, bytes }: Content): Uint8Array {
  if (bytes.length <= limit("appliedInlineBytes")) return bytes;
  return Buffer.concat([REFERENCE, Buffer.from(digest)]);
}

/** The digest that a value of metadata.applied refers to; undefined when the value is the claim itself. */
export function referenceIn(applied: Uint8Array): string | undefined {
  return applied[0] === 0 ? Buffer.from(applied.subarray(1)).toString() : undefined;
}
