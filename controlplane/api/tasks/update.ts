import { isReleased } from "../../../kinds/deletion.js";
import { keyOf, keyText, metaOf, storeKey, type Typed } from "../../../kinds/object.js";
import { TallshipError } from "../../../lib/errors.js";
import type { Cached } from "../../cache/view.js";
import { admitChanged, invalidObject } from "../admission/admit.js";
import { typedOf } from "../write/reads.js";
import { type Refusal, refuse } from "../write/task.js";
import { keep, type ObjectTask, objectTask, put, refuseMissing, remove, type TaskContext } from "./object-task.js";

/** Replaces labels, annotations, owners, finalizers and everything beside metadata and status. An object that waited for its last finalizer goes. */
export function updateTask(wanted: Typed, context: TaskContext): ObjectTask {
  const key = keyOf(wanted);
  return objectTask((reads) => {
    const live = reads.standing(key);
    if (live === undefined) return { decision: refuseMissing("update", key) };
    const stale = refuseOther("update", wanted, live);
    if (stale !== undefined) return { decision: stale };
    const before = typedOf(live);
    const { typed, errors } = admitChanged(wanted, before);
    if (errors.length > 0) return { decision: refuse(invalidObject("update", typed, errors), [storeKey(key)]) };
    if (typed === before) return keep(live);
    return isReleased(typed) ? remove(live) : put(typed, live, reads, context);
  });
}

/** Refuses when the object that was read is not the one that stands: another uid, or another version where the request names one. */
export function refuseOther(operation: string, wanted: Typed, live: Cached): Refusal | undefined {
  const { uid, resourceVersion } = metaOf(wanted.object);
  const key = keyOf(wanted);
  const standing = live.object.metadata?.uid ?? "";
  if (uid !== "" && uid !== standing) {
    const message = `${operation} ${keyText(key)}: uid ${uid} is gone, the name is that of ${standing} now`;
    return refuse(new TallshipError("not_found", message), [storeKey(key)]);
  }
  if (resourceVersion === "" || resourceVersion === String(live.revision)) return undefined;
  const message = `${operation} ${keyText(key)}: read version ${resourceVersion}, the store has ${live.revision}`;
  return refuse(new TallshipError("version_conflict", message), [storeKey(key)]);
}
