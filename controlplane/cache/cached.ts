import { decodeObject, encodeObject, metaOf, type Typed } from "../../kinds/object.js";
import type { Entry } from "../store/store.js";
import type { Cached } from "./view.js";

/** Decodes an entry. metadata.resourceVersion, and only it, is filled from the entry's revision; the bytes stay as stored. */
export function cachedOf(entry: Pick<Entry, "value" | "revision">): Cached {
  const typed = decodeObject(entry.value);
  return { kind: typed.kind, object: withVersion(typed, entry.revision), revision: entry.revision, bytes: entry.value };
}

/** An object as the cache would hold it after a write at this revision. */
export function cachedFrom(typed: Typed, revision: number): Cached {
  return { kind: typed.kind, object: withVersion(typed, revision), revision, bytes: encodeObject(typed) };
}

function withVersion({ object }: Typed, revision: number): Typed["object"] {
  return { ...object, metadata: { ...metaOf(object), resourceVersion: String(revision) } };
}
