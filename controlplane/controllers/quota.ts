import { metaOf, type ObjectKey } from "../../kinds/object.js";
import { isDeleting, isPodFinished } from "../../kinds/pod-state.js";
import { deepEqual } from "../../lib/deep-equal.js";
import { withUsed } from "../api/admission/quota.js";
import { COUNTED_KINDS, countUsage } from "../api/admission/quota-usage.js";
import type { CacheChange, Cached, View } from "../cache/view.js";
import { type Controller, NOTHING, type Outcome } from "./controller.js";
import { replace } from "./writes.js";

/**
 * Keeps `status.used` of each quota what its namespace uses. Creates count themselves in their own transaction; this counts anew what went, what
 * finished, and what other bounds count.
 */
export const quota: Controller = { name: "quota", keysFor, reconcile };

function keysFor({ key, before, after }: CacheChange, view: View): readonly ObjectKey[] {
  if (key.kind === "ResourceQuota") return after === undefined ? [] : [key];
  if (!COUNTED_KINDS.includes(key.kind) || !isOfWeight(before, after)) return [];
  return view
    .list("ResourceQuota", key.namespace)
    .map(({ object }): ObjectKey => ({ kind: "ResourceQuota", namespace: key.namespace, name: metaOf(object).name }));
}

/** True unless the change leaves what the object uses as it was: most changes of pods are of their status. */
function isOfWeight(before: Cached | undefined, after: Cached | undefined): boolean {
  if (before === undefined || after === undefined) return true;
  if (before.kind !== "Pod" || after.kind !== "Pod")
    return metaOf(before.object).generation !== metaOf(after.object).generation;
  // Both are pods; the union does not follow.
  const [old, now] = [before as Cached<"Pod">, after as Cached<"Pod">];
  return isPodFinished(old.object) !== isPodFinished(now.object) || isDeleting(old.object) !== isDeleting(now.object);
}

function reconcile({ namespace, name }: ObjectKey, view: View): Outcome {
  const cached = view.cached("ResourceQuota", namespace, name);
  if (cached === undefined) return NOTHING;
  const counted = withUsed(cached.object, countUsage(cached.object, namespace, view));
  return deepEqual(counted, cached.object) ? NOTHING : { writes: [replace(cached, counted)] };
}
