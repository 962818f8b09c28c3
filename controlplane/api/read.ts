import { keyText } from "../../kinds/object.js";
import { TallshipError } from "../../lib/errors.js";
import { limit } from "../../lib/limits.js";
import type { CallContext } from "../../lib/transport/service.js";
import type { GetRequest, Item, ListRequest, ListResponse } from "../../proto/gen/tallship/v1/api.js";
import type { Cached, WatchCache } from "../cache/view.js";
import { authorizeObject, onlyNodeOf } from "./authorize.js";
import { requestedKey, requestedKind } from "./requests.js";
import { compileSelection, selectFrom } from "./selection.js";
import { typedOf } from "./write/reads.js";

/** An object as the API carries it: the bytes that the store holds, not encoded anew. */
export function itemOf({ bytes, revision }: { readonly bytes: Uint8Array; readonly revision: number }): Item {
  // ts-proto says Buffer and encodes any bytes.
  return { object: bytes as Buffer, revision };
}

/** One object from the cache. */
export async function getObject(cache: WatchCache, request: GetRequest, context: CallContext): Promise<Item> {
  const key = requestedKey(request.name);
  await cache.waitFor(request.minRevision, context.signal);
  const cached = cache.view.cached(key.kind, key.namespace, key.name);
  const typed = cached === undefined ? undefined : typedOf(cached);
  const refusal = authorizeObject({ identity: context.identity, verb: "get" }, key, typed, cache.view);
  if (refusal !== undefined) throw refusal;
  if (cached === undefined) throw new TallshipError("not_found", `get ${keyText(key)}: there is none`);
  return itemOf(cached);
}

/** All that a selection selects, as of one revision, in messages of bounded size; an empty list is one message. */
export async function* listObjects(
  cache: WatchCache,
  request: ListRequest,
  context: CallContext,
): AsyncGenerator<ListResponse, void, undefined> {
  const { selection } = request;
  if (selection === undefined) throw new TallshipError("invalid_argument", "list: selects nothing");
  const onlyNode = onlyNodeOf(context.identity, "list", requestedKind(selection.kind));
  const compiled = compileSelection(selection, onlyNode);
  await cache.waitFor(request.minRevision, context.signal);
  const { revision } = cache.view;
  const selected = selectFrom(cache.view, compiled);
  for (const chunk of chunksOf(selected)) yield { items: chunk.map(itemOf), revision };
}

/** Cuts a list into parts of limits.listChunkBytes, at least one object each; at least one part. */
export function chunksOf<T extends Pick<Cached, "bytes">>(objects: readonly T[]): readonly (readonly T[])[] {
  const chunks: T[][] = [[]];
  let bytes = 0;
  for (const object of objects) {
    if (bytes > 0 && bytes + object.bytes.length > limit("listChunkBytes")) {
      chunks.push([]);
      bytes = 0;
    }
    chunks.at(-1)?.push(object);
    bytes += object.bytes.length;
  }
  return chunks;
}
