import { deletionHold } from "../../kinds/deletion-hold.js";
import { metaOf, type ObjectKey } from "../../kinds/object.js";
import { isDeleting } from "../../kinds/pod-state.js";
import { isKindName, KINDS } from "../../kinds/registry.js";
import { parseTime } from "../../lib/clock.js";
import { limit } from "../../lib/limits.js";
import type { CacheChange, View } from "../cache/view.js";
import { type Controller, NOTHING, type Outcome, type ReconcileContext } from "./controller.js";
import { typedOf } from "./writes.js";

/**
 * Says what blocks a delete once an object has outlived its time by limits.deletionDeadlineMs. It forces nothing: whoever put a finalizer there
 * may have work to do that nobody else knows of.
 */
export const deletionWatch: Controller = { name: "deletion-watch", keysFor, reconcile };

/** Of the objects that it owns, so many are named. */
const NAMED_MOST = 3;

function keysFor({ key, before, after }: CacheChange): readonly ObjectKey[] {
  if (after === undefined || !isDeleting(after.object)) return [];
  return before !== undefined && isDeleting(before.object) ? [] : [key];
}

function reconcile(key: ObjectKey, view: View, { nowMs }: ReconcileContext): Outcome {
  const cached = view.cached(key.kind, key.namespace, key.name);
  if (cached === undefined || !isDeleting(cached.object)) return NOTHING;
  const { deletionTimestamp, uid } = metaOf(cached.object);
  const deadlineMs = limit("deletionDeadlineMs");
  const overdueMs = nowMs - parseTime(deletionTimestamp);
  if (overdueMs < deadlineMs) return { writes: [], againMs: deadlineMs - overdueMs };
  const owned = ownedText(uid, view);
  const message = `not gone ${Math.floor(overdueMs / 1_000)} s after its time: ${deletionHold(typedOf(cached))}${owned}`;
  return {
    writes: [],
    notices: [{ about: key, type: "Warning", reason: "DeletionBlocked", message }],
    againMs: limit("deletionReminderMs"),
  };
}

function ownedText(uid: string, view: View): string {
  const names = Object.keys(KINDS)
    .filter(isKindName)
    .flatMap((kind) => view.ownedBy(kind, uid).map(({ object }) => `${kind}/${metaOf(object).name}`));
  if (names.length === 0) return "";
  const more = names.length > NAMED_MOST ? ` and ${names.length - NAMED_MOST} more` : "";
  return `; it owns ${names.slice(0, NAMED_MOST).join(", ")}${more}`;
}
