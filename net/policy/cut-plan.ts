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

/** Who has the addresses that connections bear. */
export interface AddressHolders {
  /** The pod of this node that has an address. */
  uidOf(address: string): string | undefined;
  /** Addresses of the node's own host, but for loopback. */
  readonly own: ReadonlySet<string>;
}

/**
 * The connections among these that policies do not let through any more. Between pods and their own host no policy is asked: cutting such a one would lead it to another endpoint in its midst,
 * where a service was asked.
 */
export function forbiddenFlows(
  flows: readonly TrackedFlow[],
  policies: PolicyMap,
  { uidOf, own }: AddressHolders,
): readonly TrackedFlow[] {
  const isOfHost = (address: string): boolean => own.has(address) || /^127\.|^::1$/.test(address);
  return flows.filter((flow) => !isOfHost(flow.from) && !isOfHost(flow.to) && !isLetThrough(policies, uidOf, flow));
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
