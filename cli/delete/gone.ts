import { deletionHold } from "../../kinds/deletion-hold.js";
import { keyOf, keyText, metaOf, type ObjectKey } from "../../kinds/object.js";
import { KINDS } from "../../kinds/registry.js";
import { TallshipError } from "../../lib/errors.js";
import type { Query } from "../objects.js";
import { objectText } from "../targets.js";
import { type Wait, watchUntil } from "../wait/until.js";
import type { Change } from "../watch.js";

/** An object that was deleted. An object of the same name with another uid is a new one. */
export interface Doomed {
  readonly key: ObjectKey;
  /** Empty when it is not known. */
  readonly uid: string;
}

/** Waits until every object is gone; throws deadline_exceeded that says what still holds the first one. */
export async function waitUntilGone(wait: Wait, doomed: readonly Doomed[]): Promise<void> {
  if (doomed.length === 0) return;
  const remaining = new Remaining(doomed);
  const queries = queriesOf(doomed.map(({ key }) => key));
  const isOver = await watchUntil(wait, queries, async ({ changes, isSynced }) => {
    remaining.take(changes);
    return isSynced && remaining.isEmpty();
  });
  if (isOver) return;
  const waited = (wait.timeoutMs ?? 0) / 1_000;
  throw new TallshipError("deadline_exceeded", `not gone after ${waited} s: ${remaining.why()}`);
}

/** One query per kind and namespace; a single object is watched by its name. */
export function queriesOf(keys: readonly ObjectKey[]): readonly Query[] {
  const groups = new Map<string, ObjectKey[]>();
  for (const key of keys) {
    const group = `${key.kind}/${key.namespace}`;
    groups.set(group, [...(groups.get(group) ?? []), key]);
  }
  return [...groups.values()].flatMap(([first, ...others]) => {
    if (first === undefined) return [];
    const fields = others.length === 0 ? `metadata.name=${first.name}` : undefined;
    return [{ kind: first.kind, namespace: KINDS[first.kind].isNamespaced ? first.namespace : undefined, fields }];
  });
}

/** The objects that are still there. */
class Remaining {
  private readonly uids: ReadonlyMap<string, string>;
  private readonly there = new Map<string, string>();

  constructor(doomed: readonly Doomed[]) {
    this.uids = new Map(doomed.map(({ key, uid }) => [keyText(key), uid]));
  }

  take(changes: readonly Change[]): void {
    for (const change of changes) {
      if (change.is === "delete") {
        this.there.delete(keyText(change.key));
        continue;
      }
      const key = keyOf(change.typed);
      const meta = metaOf(change.typed.object);
      const uid = this.uids.get(keyText(key));
      if (uid === undefined) continue;
      if (uid !== "" && meta.uid !== uid) this.there.delete(keyText(key));
      else
        this.there.set(keyText(key), `${objectText(key.kind, key.namespace, key.name)} ${deletionHold(change.typed)}`);
    }
  }

  isEmpty(): boolean {
    return this.there.size === 0;
  }

  why(): string {
    const [first = "nothing is known of the objects", ...others] = this.there.values();
    return others.length === 0 ? first : `${first}, and ${others.length} more`;
  }
}
