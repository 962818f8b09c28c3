import { type DeleteOptions, deletionOf, type Propagation } from "../../../kinds/deletion.js";
import { keyText, type ObjectKey, storeKey, type Typed } from "../../../kinds/object.js";
import { isDeleting } from "../../../kinds/pod-state.js";
import { TallshipError } from "../../../lib/errors.js";
import type { Identity } from "../../../lib/transport/service.js";
import { withParts } from "../admission/parts.js";
import { authorizeObject } from "../authorize.js";
import { typedOf } from "../write/reads.js";
import { refuse } from "../write/task.js";
import { keep, type ObjectTask, objectTask, put, refuseMissing, remove, type TaskContext } from "./object-task.js";

/** Namespaces that the cluster itself needs. */
export const SYSTEM_NAMESPACES = ["default", "kube-system"] as const;

/** What to delete and how. */
export interface DeleteWanted {
  readonly key: ObjectKey;
  /** Only this very object; empty: whichever has the name. */
  readonly uid: string;
  readonly graceSeconds: number | undefined;
  readonly propagation: Propagation | undefined;
}

/** Deletes an object: at once, or by marking it when an agent, a controller or a finalizer's owner has work to do first. Idempotent. */
export function deleteTask(wanted: DeleteWanted, identity: Identity, context: TaskContext): ObjectTask {
  const { key, uid, graceSeconds, propagation } = wanted;
  const options: DeleteOptions = { nowMs: context.nowMs, graceSeconds, propagation };
  return objectTask((reads) => {
    const live = reads.standing(key);
    const before = live === undefined ? undefined : typedOf(live);
    const refusal = authorizeObject({ identity, verb: "delete" }, key, before, reads.view);
    if (refusal !== undefined) return { decision: refuse(refusal, [storeKey(key)]) };
    if (live === undefined || before === undefined) return { decision: refuseMissing("delete", key) };
    if (uid !== "" && live.object.metadata?.uid !== uid) {
      const message = `delete ${keyText(key)}: uid ${uid} is gone, the name is that of ${live.object.metadata?.uid} now`;
      return { decision: refuse(new TallshipError("not_found", message), [storeKey(key)]) };
    }
    const forbidden = deletionError(before, identity, graceSeconds);
    if (forbidden !== undefined) return { decision: refuse(forbidden, [storeKey(key)]) };
    const deletion = deletionOf(before, options);
    if (deletion.is === "remove") return remove(live);
    return deletion.is === "unchanged" ? keep(live) : put(terminating(deletion.typed), live, reads, context);
  });
}

/** A node ends what was asked to end; it asks for nothing itself. */
function deletionError(typed: Typed, { role }: Identity, graceSeconds: number | undefined): TallshipError | undefined {
  const name = typed.object.metadata?.name ?? "";
  if (typed.kind === "Namespace" && SYSTEM_NAMESPACES.some((system) => system === name))
    return new TallshipError("failed_precondition", `delete Namespace/${name}: the cluster needs it`);
  if (role !== "node") return undefined;
  if (isDeleting(typed.object) && graceSeconds === 0) return undefined;
  const message = `delete ${typed.kind}/${name}: a node removes only pods whose deletion was asked for, with no grace left`;
  return new TallshipError("failed_precondition", message);
}

function terminating(typed: Typed): Typed {
  if (typed.kind !== "Namespace") return typed;
  return withParts(typed, { status: { conditions: [], ...typed.object.status, phase: "Terminating" } });
}
