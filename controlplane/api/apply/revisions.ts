import { createHash } from "node:crypto";
import { keyOf, keyText, type ObjectKey, type Typed } from "../../../kinds/object.js";
import { apiVersionOf } from "../../../kinds/registry.js";
import { SET_LABEL } from "../../../kinds/sets.js";
import { TallshipError } from "../../../lib/errors.js";
import type { ApplyHeader } from "../../../proto/gen/tallship/v1/api.js";
import { Revision, type RevisionMember } from "../../../proto/gen/tallship/v1/revision.js";
import type { Cached, View } from "../../cache/view.js";
import type { ApplyTask } from "./apply-task.js";

/** An applied set's name within its namespace. */
export interface SetName {
  readonly namespace: string;
  readonly name: string;
}

/** The set's name; one that was not named is named for its documents, so that applying the same files again is the same set. */
export function setNameOf({ set, namespace }: ApplyHeader, keys: readonly ObjectKey[]): SetName {
  const name = set === "" ? derivedName(keys) : set;
  if (!/^[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?$/.test(name))
    throw new TallshipError("invalid_argument", `set "${name.slice(0, 80)}": want at most 63 of a-z, 0-9, "-" and "."`);
  return { namespace: namespace === "" ? "default" : namespace, name };
}

function derivedName(keys: readonly ObjectKey[]): string {
  const hash = createHash("sha256");
  for (const text of keys.map(keyText).sort()) hash.update(text).update("\0");
  return `set-${hash.digest("hex").slice(0, 12)}`;
}

/** The revisions of a set, oldest first. */
export function revisionsOf(view: View, { namespace, name }: SetName): readonly Cached<"Revision">[] {
  return view
    .withLabels("Revision", namespace, { [SET_LABEL]: name })
    .toSorted((left, right) => numberOf(left) - numberOf(right));
}

/** The number of a revision in its set. */
export function numberOf({ object }: Cached<"Revision">): number {
  return object.spec?.number ?? 0;
}

/** A member of a revision: the document's object and its contents before and after. */
export function memberOf(task: ApplyTask): RevisionMember {
  const { kind, namespace, name } = keyOf(task.document);
  const change = task.change();
  const [before, after] = [change?.before?.digest ?? "", change?.after.digest ?? ""];
  return { apiVersion: apiVersionOf(kind), kind, namespace, name, before, after };
}

/** What of a member says which object it is. */
export function memberKey({ kind, namespace, name }: RevisionMember): string {
  return `${kind}/${namespace}/${name}`;
}

/** True when two revisions apply the same contents to the same objects. */
export function appliesSame(left: readonly RevisionMember[], right: readonly RevisionMember[]): boolean {
  const after = new Map(left.map((member) => [memberKey(member), member.after]));
  return left.length === right.length && right.every((member) => after.get(memberKey(member)) === member.after);
}

/** The object that records an apply. Large sets name their members in contents instead. */
export function revisionObject(parts: {
  readonly set: SetName;
  readonly number: number;
  readonly user: string;
  readonly manager: string;
  readonly members: readonly RevisionMember[];
  readonly memberChunks: readonly string[];
  readonly phase: "pending" | "done";
}): Typed<"Revision"> {
  const { set, number, user, manager, members, memberChunks, phase } = parts;
  const object = Revision.fromPartial({
    metadata: { name: `${set.name}-${number}`, namespace: set.namespace, labels: { [SET_LABEL]: set.name } },
    spec: { set: set.name, number, user, manager, members, memberChunks },
    status: { phase },
  });
  return { kind: "Revision", object };
}

/** The same revision, carried out. */
export function doneRevision(object: Revision): Typed<"Revision"> {
  return { kind: "Revision", object: { ...object, status: { phase: "done" } } };
}
