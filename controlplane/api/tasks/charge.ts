import { encodeObject, keyOf, keyText, metaOf, type ObjectKey, storeKey, type Typed } from "../../../kinds/object.js";
import { TallshipError } from "../../../lib/errors.js";
import type { Check } from "../../store/store.js";
import { chargeOf, excess, plus, uncounted, usedOf, withUsed } from "../admission/quota.js";
import { COUNTED_KINDS } from "../admission/quota-usage.js";
import type { Reads } from "../write/reads.js";
import { type Refusal, refuse, type Tally } from "../write/task.js";

/** What an object's write adds to the quotas of its namespace. */
export interface Charged {
  readonly is: "charged";
  readonly checks: readonly Check[];
  readonly tallies: readonly Tally[];
}

const FREE: Charged = { is: "charged", checks: [], tallies: [] };

/**
 * Charges what an object uses to the quotas of its namespace, or refuses it. The quota is written in the transaction that writes the object,
 * on the revision that was read: of two creates that race, the second is decided on what the first has used.
 */
export function charge(next: Typed, before: Typed | undefined, reads: Reads): Charged | Refusal {
  const isCounted = before === undefined ? COUNTED_KINDS.includes(next.kind) : GROWING.has(next.kind);
  if (!isCounted) return FREE;
  const key = keyOf(next);
  const quotas = reads.view.list("ResourceQuota", key.namespace);
  if (quotas.length === 0) return FREE;
  const charges = quotas.map(({ object }) =>
    chargeQuota(keyOf({ kind: "ResourceQuota", object }), { next, before }, reads),
  );
  const refusal = charges.find((each) => each.is === "refuse");
  if (refusal !== undefined) return refusal;
  const granted = charges.filter((each) => each.is === "charged");
  return {
    is: "charged",
    checks: granted.flatMap(({ checks }) => checks),
    tallies: granted.flatMap(({ tallies }) => tallies),
  };
}

/** Kinds whose objects can use more once they exist; what pods ask for is fixed. */
const GROWING: ReadonlySet<string> = new Set(["Service", "PersistentVolumeClaim"]);

function chargeQuota(
  quotaKey: ObjectKey<"ResourceQuota">,
  { next, before }: { readonly next: Typed; readonly before: Typed | undefined },
  reads: Reads,
): Charged | Refusal {
  const cached = reads.standing(quotaKey);
  if (cached === undefined || cached.kind !== "ResourceQuota") return FREE;
  // A cached object is of the kind that its key names.
  const quota = cached.object as Typed<"ResourceQuota">["object"];
  const key = storeKey(quotaKey);
  const task = keyText(keyOf(next));
  const reason = before === undefined ? uncounted(quota, next) : undefined;
  if (reason !== undefined) return refuse(forbidden(next, before, reason), [key]);
  const amounts = chargeOf(quota, next, before);
  if (amounts === undefined) return FREE;
  const used = usedOf(quota, reads.view);
  const over = excess(quota, plus(used, reads.tallies.others(key, cached.revision, task)), amounts);
  if (over !== undefined) return refuse(forbidden(next, before, over), [key]);
  const { total, sequence } = reads.tallies.enter(key, cached.revision, task, amounts);
  const object = withUsed(quota, plus(used, total));
  const stored = { ...object, metadata: { ...metaOf(object), resourceVersion: "" } };
  const value = encodeObject({ kind: "ResourceQuota", object: stored });
  return { is: "charged", checks: [{ key, revision: cached.revision }], tallies: [{ key, value, sequence }] };
}

/** The refusal of an object by what the cluster or its namespace bounds. */
export function forbidden(next: Typed, before: Typed | undefined, why: string): TallshipError {
  const operation = before === undefined ? "create" : "update";
  return new TallshipError("policy_refused", `${operation} ${keyText(keyOf(next))}: forbidden: ${why}`);
}
