import { encodeObject, keyText, metaOf, type ObjectKey } from "../../../kinds/object.js";
import { TallshipError } from "../../../lib/errors.js";
import type { CallContext } from "../../../lib/transport/service.js";
import { ApplyHeader, type ApplyResponse, type UndoRequest } from "../../../proto/gen/tallship/v1/api.js";
import type { RevisionMember } from "../../../proto/gen/tallship/v1/revision.js";
import type { Cached } from "../../cache/view.js";
import type { ObjectsDeps } from "../objects-deps.js";
import { carryOut } from "./apply-set.js";
import { decodeMessage } from "./claim.js";
import { membersIn } from "./collect.js";
import { contentKey } from "./contents.js";
import { droppedMembers, keyOfMember, seeLatest } from "./dropped.js";
import type { SetDocument } from "./read-set.js";
import { memberKey, numberOf, revisionsOf, type SetName, setNameOf } from "./revisions.js";

/**
 * Brings a set back to one of its revisions: applies the contents that it applied, and what came to the set later is deleted, or gets back what it had
 * before the set took it. That is an apply of its own with a revision of its own, so it conflicts where an apply would, and can be undone.
 */
export async function undoSet(deps: ObjectsDeps, request: UndoRequest, context: CallContext): Promise<ApplyResponse> {
  if (request.set === "") throw new TallshipError("invalid_argument", "undo: the request names no set");
  const set = setNameOf(ApplyHeader.fromPartial({ set: request.set, namespace: request.namespace }), []);
  await seeLatest(deps, context.signal);
  const revisions = revisionsOf(deps.cache.view, set);
  const target = targetOf(revisions, set, request.to);
  const members = await membersIn(deps.store, target.object);
  const later = await laterMembers(deps, revisions, { target, members });
  const documents = await Promise.all([
    ...members.map((member) => documentOf(deps, member, member.after)),
    ...later.filter(({ before }) => before !== "").map((member) => documentOf(deps, member, member.before)),
  ]);
  const manager = target.object.spec?.manager ?? "";
  const header = ApplyHeader.fromPartial({
    set: set.name,
    namespace: set.namespace,
    manager,
    dryRun: request.dryRun,
    force: request.force,
  });
  return carryOut(deps, { header, documents }, { context, remove: await removed(deps, { set, manager }, later) });
}

function targetOf(revisions: readonly Cached<"Revision">[], { name }: SetName, to: number): Cached<"Revision"> {
  const last = revisions.at(-1);
  if (last === undefined) throw new TallshipError("not_found", `undo: no set "${name}" was applied in this namespace`);
  const numbers = revisions.map(numberOf);
  const found =
    to === 0
      ? revisions.findLast((revision) => revision !== last && revision.object.status?.phase === "done")
      : revisions.find((revision) => numberOf(revision) === to);
  if (found !== undefined) return found;
  const what = to === 0 ? "nothing to go back to" : `no revision ${to}`;
  throw new TallshipError("not_found", `undo set "${name}": there is ${what}, only ${numbers.join(", ")}`);
}

/** Members of later revisions that the target does not have, each as the first of them took it. */
async function laterMembers(
  { store }: ObjectsDeps,
  revisions: readonly Cached<"Revision">[],
  { target, members }: { readonly target: Cached<"Revision">; readonly members: readonly RevisionMember[] },
): Promise<readonly RevisionMember[]> {
  const later = revisions.filter((revision) => numberOf(revision) > numberOf(target));
  const known = new Set(members.map(memberKey));
  const first = new Map<string, RevisionMember>();
  for (const { object } of later)
    for (const member of await membersIn(store, object)) {
      const key = memberKey(member);
      if (!known.has(key) && !first.has(key)) first.set(key, member);
    }
  return [...first.values()];
}

/** Of what the set made itself, that which is still its own. */
async function removed(
  deps: ObjectsDeps,
  owner: { readonly set: SetName; readonly manager: string },
  later: readonly RevisionMember[],
): Promise<readonly ObjectKey[]> {
  const made = new Set(
    later
      .filter(({ before }) => before === "")
      .flatMap(keyOfMember)
      .map(keyText),
  );
  if (made.size === 0) return [];
  return (await droppedMembers(deps, owner, [])).filter((key) => made.has(keyText(key)));
}

async function documentOf({ store }: ObjectsDeps, member: RevisionMember, digest: string): Promise<SetDocument> {
  const [key] = keyOfMember(member);
  const entry = key === undefined ? undefined : await store.get(contentKey(digest));
  if (key === undefined || entry === undefined)
    throw new TallshipError("failed_precondition", `undo: what ${memberKey(member)} held is not kept any more`);
  const typed = decodeMessage(key.kind, entry.value);
  assertNamed(metaOf(typed.object).name, member);
  return { source: "", read: { is: "object", typed, bytes: encodeObject(typed) } };
}

function assertNamed(name: string, member: RevisionMember): void {
  if (name !== member.name)
    throw new TallshipError("internal", `undo: the content kept for ${memberKey(member)} is that of ${name}`);
}
