import { keyText, metaOf, type ObjectKey, storePrefix } from "../../../kinds/object.js";
import { isKindName } from "../../../kinds/registry.js";
import type { RevisionMember } from "../../../proto/gen/tallship/v1/revision.js";
import type { Cached, View } from "../../cache/view.js";
import { type CollectDeps, membersIn } from "./collect.js";
import { numberOf, revisionsOf, type SetName } from "./revisions.js";

/** Whose objects are asked for. */
export interface SetOwner {
  readonly set: SetName;
  readonly manager: string;
}

/**
 * Lets the cache catch up with the store, so that what another replica has just applied is seen. Throws too_new when it takes too long: to act on what is
 * known by then could delete what somebody else has put since.
 */
export async function seeLatest({ store, cache }: CollectDeps, signal: AbortSignal): Promise<void> {
  const { revision } = await store.list(storePrefix("Revision"), { keysOnly: true });
  await cache.waitFor(revision, signal);
}

/**
 * The objects that the set's revisions name and that are not among those kept. Only what still is the set's: it stands, its manager applied it last
 * under this very life, and the last apply of no other set names it. In order of their names.
 */
export async function droppedMembers(
  deps: CollectDeps,
  owner: SetOwner,
  kept: readonly ObjectKey[],
): Promise<readonly ObjectKey[]> {
  const { view } = deps.cache;
  const keptTexts = new Set(kept.map(keyText));
  const members = await Promise.all(revisionsOf(view, owner.set).map(({ object }) => membersIn(deps.store, object)));
  const candidates = new Map(
    members
      .flat()
      .flatMap(keyOfMember)
      .map((key) => [keyText(key), key]),
  );
  const own = [...candidates].filter(([text, key]) => !keptTexts.has(text) && isApplied(view, key, owner.manager));
  if (own.length === 0) return [];
  const elsewhere = await namedElsewhere(deps, owner.set);
  return own
    .filter(([text]) => !elsewhere.has(text))
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([, key]) => key);
}

/** The key of a member; none when this version does not know its kind. */
export function keyOfMember({ kind, namespace, name }: RevisionMember): readonly ObjectKey[] {
  return isKindName(kind) ? [{ kind, namespace, name }] : [];
}

function isApplied(view: View, { kind, namespace, name }: ObjectKey, manager: string): boolean {
  const live = view.get(kind, namespace, name);
  return live !== undefined && metaOf(live).deletionTimestamp === "" && Object.hasOwn(metaOf(live).applied, manager);
}

/** What the last revisions of all other sets name. */
async function namedElsewhere({ store, cache }: CollectDeps, own: SetName): Promise<ReadonlySet<string>> {
  const last = new Map<string, Cached<"Revision">>();
  for (const revision of cache.view.list("Revision")) {
    const set = `${metaOf(revision.object).namespace}/${revision.object.spec?.set ?? ""}`;
    const held = last.get(set);
    if (held === undefined || numberOf(held) < numberOf(revision)) last.set(set, revision);
  }
  last.delete(`${own.namespace}/${own.name}`);
  const members = await Promise.all([...last.values()].map(({ object }) => membersIn(store, object)));
  return new Set(members.flat().flatMap(keyOfMember).map(keyText));
}
