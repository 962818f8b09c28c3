import { deletionOf } from "../../../kinds/deletion.js";
import { encodeObject, keyOf, keyText, metaOf, type ObjectKey, storeKey } from "../../../kinds/object.js";
import { isDeleting } from "../../../kinds/pod-state.js";
import { TallshipError } from "../../../lib/errors.js";
import type { Cached } from "../../cache/view.js";
import { budgetsOf, evictionVerdict, type Verdict } from "../eviction/verdict.js";
import { typedOf } from "../write/reads.js";
import { refuse } from "../write/task.js";
import {
  keep,
  type ObjectTask,
  type Outcome,
  objectTask,
  put,
  refuseMissing,
  remove,
  type TaskContext,
} from "./object-task.js";

/** Which pod to evict and how. */
export interface EvictWanted {
  readonly key: ObjectKey<"Pod">;
  /** Only this very pod; empty: whichever has the name. */
  readonly uid: string;
  readonly graceSeconds: number | undefined;
}

/**
 * Deletes a pod when its disruption budget allows, and counts it there in the same transaction: of two evictions that one budget allows one,
 * one loses the race and is refused. Idempotent: a pod that is being deleted is left as it is.
 */
export function evictTask({ key, uid, graceSeconds }: EvictWanted, context: TaskContext): ObjectTask {
  return objectTask((reads) => {
    const live = reads.standing(key);
    const before = live === undefined ? undefined : typedOf(live);
    if (live === undefined || before?.kind !== "Pod") return { decision: refuseMissing("evict", key) };
    if (uid !== "" && metaOf(before.object).uid !== uid) {
      const message = `evict ${keyText(key)}: uid ${uid} is gone, the name is that of ${metaOf(before.object).uid} now`;
      return { decision: refuse(new TallshipError("not_found", message), [storeKey(key)]) };
    }
    if (isDeleting(before.object)) return keep(live);
    const budgets = budgetsOf(before.object, reads.view).map((budget) =>
      freshBudget(budget, reads.standing(keyOfBudget(budget))),
    );
    const verdict = evictionVerdict(before.object, budgets);
    if (verdict.is === "refused")
      return {
        decision: refuse(verdict.error, [storeKey(key), ...budgets.map((each) => storeKey(keyOfBudget(each)))]),
      };
    const deletion = deletionOf(before, { nowMs: context.nowMs, graceSeconds });
    if (deletion.is === "unchanged") return keep(live);
    const outcome = deletion.is === "remove" ? remove(live) : put(deletion.typed, live, reads, context);
    return counted(outcome, verdict);
  });
}

function keyOfBudget({ object }: Cached<"PodDisruptionBudget">): ObjectKey {
  return keyOf({ kind: "PodDisruptionBudget", object });
}

/** The budget as it was read afresh, when the cache was in doubt. */
function freshBudget(
  cached: Cached<"PodDisruptionBudget">,
  standing: Cached | undefined,
): Cached<"PodDisruptionBudget"> {
  const typed = standing === undefined ? undefined : typedOf(standing);
  if (standing === undefined || typed?.kind !== "PodDisruptionBudget") return cached;
  return { kind: "PodDisruptionBudget", object: typed.object, revision: standing.revision, bytes: standing.bytes };
}

/** The outcome with the budget's new status in its transaction. */
function counted(outcome: Outcome, verdict: Verdict): Outcome {
  const { decision } = outcome;
  if (verdict.is !== "counted" || decision.is !== "write") return outcome;
  const key = storeKey(keyOfBudget(verdict.budget));
  const value = encodeObject({ kind: "PodDisruptionBudget", object: verdict.after });
  const checks = [...decision.checks, { key, revision: verdict.budget.revision }];
  return { ...outcome, decision: { ...decision, checks, writes: [...decision.writes, { op: "put", key, value }] } };
}
