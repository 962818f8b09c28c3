import { keyOf, keyText, metaOf, type ObjectKey, type Typed } from "../../kinds/object.js";
import { limit } from "../../lib/limits.js";
import { admitByPolicy } from "../api/admission/namespace-policy.js";
import { chargeOf, excess, plus, uncounted, usedOf, withUsed } from "../api/admission/quota.js";
import { COUNTED_KINDS, type Usage } from "../api/admission/quota-usage.js";
import type { View } from "../cache/view.js";
import type { Notice } from "../events/notice.js";
import type { ObjectWrite, Outcome } from "./controller.js";
import { controllerOf, replace } from "./writes.js";

/**
 * What priorities, ranges and quotas make of an outcome: what they refuse is not written, its owner's user is told, and the key is looked at
 * again. Controllers need not know of it: they see at their next turn what is missing. Pure; the very outcome when nothing is created.
 */
export function admitOutcome(outcome: Outcome, view: View): Outcome {
  if (!outcome.writes.some(isCreate)) return outcome;
  const charged = new Map<string, Usage>();
  const writes: ObjectWrite[] = [];
  const refused: Notice[] = [];
  for (const write of outcome.writes) {
    const admitted = isCreate(write) ? admitCreate(write, charged, view) : write;
    if ("op" in admitted) writes.push(admitted);
    else refused.push(admitted);
  }
  const quotas = [...charged].flatMap(([name, added]) => quotaWrites(name, added, view));
  if (refused.length === 0)
    return quotas.length === 0 ? { ...outcome, writes } : { ...outcome, writes: [...quotas, ...writes] };
  const told = (outcome.notices ?? []).filter(({ reason }) => reason !== "SuccessfulCreate");
  return {
    ...outcome,
    writes: [...quotas, ...writes],
    notices: [...told, ...distinct(refused)],
    againMs: Math.max(outcome.againMs ?? 0, limit("policyRetryMs")),
  };
}

/** Why policies would refuse an object that a controller is about to create, on top of nothing else; undefined when they let it through. */
export function refusalOf(typed: Typed, view: View): string | undefined {
  const admitted = admitByPolicy(typed, view);
  if (admitted.is === "refused") return admitted.why;
  for (const { object: quota } of view.list("ResourceQuota", metaOf(typed.object).namespace)) {
    const amounts = chargeOf(quota, admitted.typed, undefined);
    const why =
      uncounted(quota, admitted.typed) ??
      (amounts === undefined ? undefined : excess(quota, usedOf(quota, view), amounts));
    if (why !== undefined) return why;
  }
  return undefined;
}

type Create = Extract<ObjectWrite, { op: "put" }>;

function isCreate(write: ObjectWrite): write is Create {
  return write.op === "put" && write.revision === 0 && COUNTED_KINDS.includes(write.typed.kind);
}

function admitCreate(write: Create, charged: Map<string, Usage>, view: View): ObjectWrite | Notice {
  const admitted = admitByPolicy(write.typed, view);
  if (admitted.is === "refused") return refusalNotice(write.typed, admitted.why);
  const { typed } = admitted;
  const charges = new Map<string, Usage>();
  for (const { object: quota } of view.list("ResourceQuota", metaOf(typed.object).namespace)) {
    const key = keyText(keyOf({ kind: "ResourceQuota", object: quota }));
    const amounts = chargeOf(quota, typed, undefined);
    const before = charged.get(key) ?? new Map();
    const why =
      uncounted(quota, typed) ??
      (amounts === undefined ? undefined : excess(quota, plus(usedOf(quota, view), before), amounts));
    if (why !== undefined) return refusalNotice(typed, why);
    if (amounts !== undefined) charges.set(key, plus(before, amounts));
  }
  for (const [key, total] of charges) charged.set(key, total);
  return { ...write, typed };
}

/** The quota's write comes first: were the transaction cut for its size, too much would be counted for a moment, never too little. */
function quotaWrites(name: string, added: Usage, view: View): readonly ObjectWrite[] {
  const [, namespace = "", quotaName = ""] = name.split("/");
  const cached = view.cached("ResourceQuota", namespace, quotaName);
  if (cached === undefined) return [];
  return [replace(cached, withUsed(cached.object, plus(usedOf(cached.object, view), added)))];
}

function refusalNotice(typed: Typed, why: string): Notice {
  const { name, namespace } = metaOf(typed.object);
  const owner = controllerOf(typed.object);
  const about = { kind: owner?.kind ?? typed.kind, namespace, name: owner?.name ?? name };
  const message = `Error creating: ${keyText(keyOf(typed))} is forbidden: ${why}`;
  // An owner reference of a controller names a kind of this program.
  return { about: about as ObjectKey, type: "Warning", reason: "FailedCreate", message };
}

/** One notice for each owner: a hundred pods are refused for one reason. */
function distinct(notices: readonly Notice[]): readonly Notice[] {
  return [...new Map(notices.toReversed().map((notice) => [keyText(notice.about), notice])).values()];
}
