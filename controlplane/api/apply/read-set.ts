import { keyOf, keyText, metaOf, type Typed } from "../../../kinds/object.js";
import { asTallshipError, TallshipError } from "../../../lib/errors.js";
import { limit } from "../../../lib/limits.js";
import type { ApplyDocument, ApplyHeader, ApplyRequest } from "../../../proto/gen/tallship/v1/api.js";
import { writableObject } from "../requests.js";

/** One document of a set: the object, or why it cannot be read. */
export interface SetDocument {
  readonly source: string;
  readonly read:
    | { readonly is: "object"; readonly typed: Typed; readonly bytes: Uint8Array }
    | { readonly is: "failed"; readonly error: TallshipError };
}

/** A set as it was sent: whole, for nothing is written before all of it is known to be right. */
export interface AppliedSet {
  readonly header: ApplyHeader;
  readonly documents: readonly SetDocument[];
}

/** Reads the stream of one apply, at most limits.applyDocuments and limits.applyBytes. An object that stands twice fails the second time. */
export async function readSet(requests: AsyncIterable<ApplyRequest>): Promise<AppliedSet> {
  let header: ApplyHeader | undefined;
  const documents: SetDocument[] = [];
  const sources = new Map<string, string>();
  let bytes = 0;
  for await (const { part } of requests) {
    if (part?.$case === "header" && header === undefined && documents.length === 0) header = part.value;
    else if (part?.$case !== "document" || header === undefined)
      throw new TallshipError("invalid_argument", "apply: want one header, then documents");
    else {
      bytes += part.value.object.length;
      assertBounds(documents.length + 1, bytes);
      documents.push(readDocument(part.value, sources));
    }
  }
  if (header === undefined) throw new TallshipError("invalid_argument", "apply: the stream is empty");
  return { header, documents };
}

function assertBounds(count: number, bytes: number): void {
  if (count > limit("applyDocuments"))
    throw new TallshipError("too_large", `apply: more than ${limit("applyDocuments")} documents`);
  if (bytes > limit("applyBytes"))
    throw new TallshipError("too_large", `apply: more than ${limit("applyBytes")} bytes`);
}

function readDocument({ object, source }: ApplyDocument, sources: Map<string, string>): SetDocument {
  try {
    const typed = writableObject(object);
    if (metaOf(typed.object).name === "")
      throw new TallshipError("invalid_argument", "metadata.name: an applied object has a name");
    const key = keyText(keyOf(typed));
    const first = sources.get(key);
    if (first !== undefined) throw new TallshipError("invalid_argument", `${key} stands twice, first at ${first}`);
    sources.set(key, source);
    return { source, read: { is: "object", typed, bytes: object } };
  } catch (error) {
    return { source, read: { is: "failed", error: asTallshipError(error, "invalid_argument") } };
  }
}
