import { setsOf } from "../../kinds/compiled-policies.js";
import type { FirewallTable } from "../kernel/firewall.js";
import type { TrackedFlow } from "../kernel/kernel.js";
import type { FirewalledPod } from "./firewall-plan.js";
import type { PolicyMap } from "./policy-map.js";
import { isLetThrough } from "./verdict.js";

/** What the kernel holds, and what it was made of. */
interface Held {
  readonly table: FirewallTable;
  readonly policies: PolicyMap;
  readonly pods: ReadonlyMap<string, FirewalledPod>;
}

/**
 * Addresses of pods of this node whose connections may have come to be forbidden: other policies select the pod, a policy has other
 * rules, a set lost members, or the address is another pod's.
 */
export function touchedAddresses(before: Held | undefined, after: Held): readonly string[] {
  const shrunk = new Set(
    [...after.policies.sets].filter(([name, members]) => hasLost(before?.policies.sets.get(name), members)).map(first),
  );
  const owners = new Map([...(before?.pods.values() ?? [])].flatMap(addressesWithUid));
  return [...after.pods.values()].flatMap(addressesWithUid).flatMap(([address, uid]) => {
    const verdicts = (held: Held | undefined): string =>
      ["ingress-pods", "egress-pods"].map((map) => held?.table.sets.get(map)?.elements.get(address)).join();
    const isFirewalled = verdicts(after) !== ",";
    const isOther = before === undefined || owners.get(address) !== uid || verdicts(before) !== verdicts(after);
    return isFirewalled && (isOther || usesAny(after.policies, uid, shrunk)) ? [address] : [];
  });
}

/** Every address of a pod, with the pod's uid. */
export function addressesWithUid({ uid, addresses }: FirewalledPod): readonly (readonly [string, string])[] {
  return addresses.map((address) => [address, uid] as const);
}

/** The connections among these that policies do not let through any more. */
export function forbiddenFlows(
  flows: readonly TrackedFlow[],
  policies: PolicyMap,
  uidOf: (address: string) => string | undefined,
): readonly TrackedFlow[] {
  return flows.filter((flow) => !isLetThrough(policies, uidOf, flow));
}

function usesAny({ pods, policies }: PolicyMap, uid: string, sets: ReadonlySet<string>): boolean {
  if (sets.size === 0) return false;
  const { ingress = [], egress = [] } = pods.get(uid) ?? {};
  return [...ingress, ...egress].some((name) => {
    const policy = policies.get(name);
    return [...(policy?.ingress ?? []), ...(policy?.egress ?? [])].some((rule) =>
      setsOf(rule).some((set) => sets.has(set)),
    );
  });
}

function hasLost(before: ReadonlySet<string> | undefined, after: ReadonlySet<string>): boolean {
  if (before === undefined || before === after) return false;
  for (const member of before) if (!after.has(member)) return true;
  return false;
}

function first<T>([name]: readonly [T, unknown]): T {
  return name;
}
