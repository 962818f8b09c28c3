import { keyOf, metaOf, storeKey } from "../../../kinds/object.js";
import { isKindName } from "../../../kinds/registry.js";
import { limit } from "../../../lib/limits.js";
import { type Revision, type RevisionMember, RevisionSpec } from "../../../proto/gen/tallship/v1/revision.js";
import type { Cached, View, WatchCache } from "../../cache/view.js";
import { CONTENT } from "../../store/keys.js";
import type { Entry, Store } from "../../store/store.js";
import { contentKey, referenceIn } from "./contents.js";

/** What collecting needs. */
export interface CollectDeps {
  readonly store: Store;
  readonly cache: WatchCache;
}

/** The members of a revision, also of one that names them in contents. Chunks that are lost count as empty. */
export async function membersIn(store: Store, { spec }: Revision): Promise<readonly RevisionMember[]> {
  const chunks = await Promise.all((spec?.memberChunks ?? []).map((digest) => store.get(contentKey(digest))));
  const parts = chunks.map((entry) => (entry === undefined ? [] : RevisionSpec.decode(entry.value).members));
  return [...(spec?.members ?? []), ...parts.flat()];
}

/** Revisions that are to go, and what they name as it stood when it was noted. */
export interface Noted {
  readonly old: readonly Cached<"Revision">[];
  readonly members: readonly RevisionMember[];
  readonly contents: readonly Entry[];
}

/** Notes what revisions name. What an apply puts again after this is not collected. */
export async function noteContents(store: Store, old: readonly Cached<"Revision">[]): Promise<Noted> {
  const each = await Promise.all(old.map(async ({ object }) => ({ object, members: await membersIn(store, object) })));
  const digests = new Set(each.flatMap(({ object, members }) => digestsOf(object, members)));
  const entries = await Promise.all(Array.from(digests, (digest) => store.get(contentKey(digest))));
  return {
    old,
    members: each.flatMap(({ members }) => members),
    contents: entries.filter((entry): entry is Entry => entry !== undefined),
  };
}

/**
 * Removes the contents that nothing else names any more, then the revisions, so that a cut leaves nothing behind that is not found again. Safe beside
 * applies under way: what they will name, a revision says before them, and they put it after that. So whoever collects notes the
 * contents first, then makes any write, and calls this once the cache has seen that write: a revision from before the note is in the
 * cache, and a content put after it has another revision than noted.
 */
export async function collectContents(deps: CollectDeps, noted: Noted): Promise<void> {
  const { store, cache } = deps;
  const wanted = await digestsWanted(store, cache.view, noted.old);
  for (const digest of referencesTo(cache.view, noted.members)) wanted.add(digest);
  await removeEntries(
    store,
    noted.contents.filter((entry) => !wanted.has(digestOf(entry))),
  );
  const revisions = noted.old.map(({ object, revision }) => {
    return { key: storeKey(keyOf({ kind: "Revision", object })), revision };
  });
  await removeEntries(store, revisions);
}

/** The digest that a content is stored under. */
export function digestOf({ key }: Pick<Entry, "key">): string {
  return key.slice(CONTENT.plain.length);
}

function digestsOf({ spec }: Revision, members: readonly RevisionMember[]): readonly string[] {
  const digests = members.flatMap(({ before, after }) => [before, after]).filter((digest) => digest !== "");
  return [...digests, ...(spec?.memberChunks ?? [])];
}

/** Everything that revisions name, but for those that are to go. */
export async function digestsWanted(
  store: Store,
  view: View,
  old: readonly Cached<"Revision">[],
): Promise<Set<string>> {
  const leaving = new Set(old.map(({ object }) => metaOf(object).uid));
  const staying = view.list("Revision").filter(({ object }) => !leaving.has(metaOf(object).uid));
  const wanted = new Set<string>();
  for (const { object } of staying)
    for (const digest of digestsOf(object, await membersIn(store, object))) wanted.add(digest);
  return wanted;
}

/** Contents that the members' objects refer to because they are too large to hold them. */
function referencesTo(view: View, members: readonly RevisionMember[]): readonly string[] {
  return members.flatMap(({ kind, namespace, name }) => {
    const object = isKindName(kind) ? view.get(kind, namespace, name) : undefined;
    return Object.values(object?.metadata?.applied ?? {}).flatMap((value) => referenceIn(value) ?? []);
  });
}

/** Removes keys that still are as they were noted. */
export async function removeEntries(
  store: Store,
  entries: readonly { readonly key: string; readonly revision: number }[],
): Promise<void> {
  for (let at = 0; at < entries.length; at += limit("transactionObjects")) {
    const part = entries.slice(at, at + limit("transactionObjects"));
    const checks = part.map(({ key, revision }) => ({ key, revision }));
    const result = await store.transact({ checks, writes: part.map(({ key }) => ({ op: "delete", key })) });
    if (result.is !== "conflict") continue;
    const lost = new Set(result.conflicts.map(({ key }) => key));
    await removeEntries(
      store,
      part.filter(({ key }) => !lost.has(key)),
    );
  }
}
