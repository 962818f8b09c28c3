import type { Typed } from "../../../kinds/object.js";
import type { ResourceQuota } from "../../../proto/gen/tallship/v1/resourcequota.js";
import type { View } from "../../cache/view.js";
import { countUsage, isInScope, quantitiesOf, quotaAmount, quotaQuantity, type Usage, usageOf } from "./quota-usage.js";

/** What an object adds to what a quota counts; undefined when the quota is not about it. */
export function chargeOf(quota: ResourceQuota, next: Typed, before: Typed | undefined): Usage | undefined {
  if (!isInScope(quota, next)) return undefined;
  const old = before === undefined ? undefined : usageOf(before);
  const charge = new Map<string, number>();
  for (const [name, amount] of usageOf(next)) {
    const added = amount - (old?.get(name) ?? 0);
    if (added !== 0 && quota.spec?.hard[name] !== undefined) charge.set(name, added);
  }
  return charge.size === 0 ? undefined : charge;
}

/** What is used of a quota: as its status says, or counted anew where the status was written for other bounds. */
export function usedOf(quota: ResourceQuota, view: View): Usage {
  const { spec, status, metadata } = quota;
  const names = Object.keys(spec?.hard ?? {});
  if (status === undefined || names.some((name) => status.used[name] === undefined))
    return countUsage(quota, metadata?.namespace ?? "", view);
  return new Map(names.map((name) => [name, quotaAmount(name, status.used[name] ?? "0")]));
}

/** Two usages together. */
export function plus(left: Usage, right: Usage): Usage {
  const total = new Map(left);
  for (const [name, amount] of right) total.set(name, (total.get(name) ?? 0) + amount);
  return total;
}

/** Why a charge on top of what is used is too much, in Kubernetes' words; undefined when it fits. What grows no further always fits. */
export function excess(quota: ResourceQuota, used: Usage, charge: Usage): string | undefined {
  const hard = quota.spec?.hard ?? {};
  const over = [...charge.keys()]
    .filter((name) => {
      const added = charge.get(name) ?? 0;
      return added > 0 && (used.get(name) ?? 0) + added > quotaAmount(name, hard[name] ?? "0");
    })
    .sort();
  if (over.length === 0) return undefined;
  const list = (amounts: Usage): string =>
    over.map((name) => `${name}=${quotaQuantity(name, amounts.get(name) ?? 0)}`).join(",");
  const limited = over.map((name) => `${name}=${hard[name]}`).join(",");
  const name = quota.metadata?.name ?? "";
  return `exceeded quota: ${name}, requested: ${list(charge)}, used: ${list(used)}, limited: ${limited}`;
}

/** The quota with what is used of it now. */
export function withUsed(quota: ResourceQuota, used: Usage): ResourceQuota {
  const hard = quota.spec?.hard ?? {};
  return { ...quota, status: { hard, used: quantitiesOf(used) } };
}

const ASKED_OF_CONTAINERS = [
  ["cpu", "requests", "cpu"],
  ["memory", "requests", "memory"],
  ["requests.cpu", "requests", "cpu"],
  ["requests.memory", "requests", "memory"],
  ["limits.cpu", "limits", "cpu"],
  ["limits.memory", "limits", "memory"],
] as const;

/** Why a pod cannot be counted: a container leaves out what the quota bounds. Undefined when it names all. */
export function uncounted(quota: ResourceQuota, next: Typed): string | undefined {
  if (next.kind !== "Pod" || !isInScope(quota, next)) return undefined;
  const containers = [...(next.object.spec?.initContainers ?? []), ...(next.object.spec?.containers ?? [])];
  const missing = ASKED_OF_CONTAINERS.filter(([bounded]) => quota.spec?.hard[bounded] !== undefined).flatMap(
    ([bounded, part, resource]) => {
      const names = containers.filter(({ resources }) => resources?.[part][resource] === undefined);
      return names.length === 0 ? [] : [`${bounded} for: ${names.map(({ name }) => name).join(",")}`];
    },
  );
  if (missing.length === 0) return undefined;
  return `failed quota: ${quota.metadata?.name ?? ""}: must specify ${missing.sort().join("; ")}`;
}
