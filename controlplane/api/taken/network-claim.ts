import { hasVni, ipv6SubnetOf, subnetsOf } from "../../../kinds/network.js";
import type { FieldError } from "../../../kinds/validation/findings.js";
import { TallshipError } from "../../../lib/errors.js";
import type { Rng } from "../../../lib/rng.js";
import type { Network, NetworkSpec } from "../../../proto/gen/tallship/v1/network.js";
import { NetworkLedger, type TakenNetwork } from "../../../proto/gen/tallship/v1/record.js";
import type { View } from "../../cache/view.js";
import { META } from "../../store/keys.js";
import type { Check, Entry, Write } from "../../store/store.js";
import type { Reads } from "../write/reads.js";
import { type Refusal, refuse } from "../write/task.js";
import {
  type ClusterCIDRs,
  canonicalRange,
  clashOf,
  DRAWN_FROM,
  freeIpv6Subnet,
  freeSubnet,
  type Ground,
  groundOf,
  isDualStack,
  PICKED_FROM,
} from "./network-ranges.js";

/** What of a cluster no network may have. */
export interface ClusterRanges extends ClusterCIDRs {
  /** Identifier of the cluster's own overlay on the wire. */
  readonly vni: number;
}

/** A network with its range and identifier, and what its transaction checks and writes for them; or why it cannot have them. */
export type NetworkClaim =
  | {
      readonly is: "granted";
      readonly network: Network;
      readonly checks: readonly Check[];
      readonly writes: readonly Write[];
    }
  | { readonly is: "invalid"; readonly errors: readonly FieldError[] }
  | Refusal;

/** The first identifier that is picked; there are 16 million, and fewer networks. */
const FIRST_VNI = 4_096;

/** Holds what networks have taken, and is written with each new one: of two that are created at once, the second is decided on what the first has taken. */
const LEDGER = `${META.taken}networks`;

/**
 * Gives a new network the range and identifier that it does not name, and refuses those that overlap or equal others', naming the clash. Both
 * stay for the network's life.
 */
export function networkClaim(
  network: Network,
  live: Network | undefined,
  { reads, ranges, rng }: { readonly reads: Reads; readonly ranges: ClusterRanges; readonly rng: Rng },
): NetworkClaim {
  const { spec } = network;
  if (live !== undefined || spec === undefined) return { is: "granted", network, checks: [], writes: [] };
  const ledger = reads.record(LEDGER);
  const others = takenNetworks(ledger, reads.view);
  const ground = groundOf(others, ranges, reads.view);
  const errors = [...familyErrors(spec, ranges), ...clashes(spec, others, ground, ranges)];
  if (errors.length > 0) return { is: "invalid", errors };
  const subnet = subnetsOf(spec).find((range) => !range.includes(":")) ?? freeSubnet(ground);
  if (subnet === undefined) return exhausted(`all ranges of ${PICKED_FROM} are taken: name one in spec.subnet`);
  const subnetIPv6 = wantsIpv6(spec, ranges) ? (namedIpv6(spec) ?? freeIpv6Subnet(ground, rng)) : "";
  if (subnetIPv6 === undefined) return exhausted(`no range of ${DRAWN_FROM} was free: name one in spec.subnets`);
  const vni = hasVni(spec) ? (spec.vni ?? freeVni(others, ranges)) : undefined;
  const networks = [...others, { holder: nameOf(network), subnet, subnetIPv6, vni: vni ?? 0 }];
  const subnets = [subnet, subnetIPv6].filter((range) => range !== "");
  return {
    is: "granted",
    network: { ...network, spec: { ...spec, subnet, subnets, vni } },
    checks: [{ key: LEDGER, revision: ledger?.revision ?? 0 }],
    writes: [{ op: "put", key: LEDGER, value: NetworkLedger.encode({ networks }).finish() }],
  };
}

/** What networks have taken: those that the cache shows, and while it has not come to the ledger's last writing, those that stand there. */
function takenNetworks(ledger: Entry | undefined, view: View): readonly TakenNetwork[] {
  const shown = view.list("Network").map(({ object }) => ({
    holder: nameOf(object),
    subnet: object.spec?.subnet ?? "",
    subnetIPv6: (object.spec && ipv6SubnetOf(object.spec)) ?? "",
    vni: object.spec?.vni ?? 0,
  }));
  if (ledger === undefined || view.revision >= ledger.revision) return shown;
  const known = new Set(shown.map(({ holder }) => holder));
  return [...shown, ...NetworkLedger.decode(ledger.value).networks.filter(({ holder }) => !known.has(holder))];
}

function exhausted(why: string): Refusal {
  return refuse(new TallshipError("resource_exhausted", `create Network: ${why}`));
}

/** Whether the network gets addresses of IPv6. Who only prefers them goes without where they cannot be. */
function wantsIpv6(spec: NetworkSpec, ranges: ClusterRanges): boolean {
  if (!isDualStack(ranges)) return false;
  const isAsked = spec.ipFamilyPolicy === "PreferDualStack" || spec.ipFamilyPolicy === "RequireDualStack";
  return isAsked || ipv6SubnetOf(spec) !== undefined;
}

/** The range of IPv6 that it names, as it is written everywhere. */
function namedIpv6(spec: NetworkSpec): string | undefined {
  const named = ipv6SubnetOf(spec);
  return named === undefined ? undefined : canonicalRange(named);
}

const IPV4_ALONE = "this cluster has addresses of IPv4 alone";

/** What would have to be otherwise. */
const NEEDED = "tallshipd init takes ranges of both families, by --pod-cidr and --service-cidr";

/** What this cluster cannot give. */
function familyErrors(spec: NetworkSpec, ranges: ClusterRanges): readonly FieldError[] {
  if (isDualStack(ranges)) return [];
  if (spec.ipFamilyPolicy === "RequireDualStack")
    return [wrong("spec.ipFamilyPolicy", `${IPV4_ALONE} (${NEEDED}), found RequireDualStack`)];
  const at = spec.subnets.findIndex((subnet) => subnet.includes(":"));
  if (at < 0 || spec.ipFamilyPolicy === "PreferDualStack") return [];
  return [wrong(`spec.subnets[${at}]`, `${IPV4_ALONE} (${NEEDED}), found ${spec.subnets[at]}`)];
}

function clashes(
  spec: NetworkSpec,
  others: readonly TakenNetwork[],
  ground: Ground,
  ranges: ClusterRanges,
): readonly FieldError[] {
  const errors: FieldError[] = [];
  for (const [path, range] of namedRanges(spec)) {
    const clash = clashOf(range, ground);
    if (clash !== undefined) errors.push(wrong(path, `${range} overlaps ${clash.cidr} of ${clash.holder}`));
  }
  if (spec.vni === undefined) return errors;
  const twin = others.find(({ vni }) => vni === spec.vni);
  if (twin !== undefined) errors.push(wrong("spec.vni", `${spec.vni} is that of Network ${twin.holder}`));
  else if (spec.vni === ranges.vni) errors.push(wrong("spec.vni", `${spec.vni} is that of the cluster's own overlay`));
  return errors;
}

function wrong(path: string, message: string): FieldError {
  return { code: "invalid", path, message };
}

function nameOf({ metadata }: Network): string {
  return `${metadata?.namespace}/${metadata?.name}`;
}

/** Every range that the network names, once, by its field. */
function namedRanges({ subnet, subnets }: NetworkSpec): readonly (readonly [string, string])[] {
  const all = [
    ["spec.subnet", subnet] as const,
    ...subnets.map((range, at) => [`spec.subnets[${at}]`, range] as const),
  ];
  return all.filter(([, range], at) => range !== "" && all.findIndex(([, other]) => other === range) === at);
}

function freeVni(others: readonly TakenNetwork[], ranges: ClusterRanges): number {
  const taken = new Set([ranges.vni, ...others.map((other) => other.vni)]);
  let vni = FIRST_VNI;
  while (taken.has(vni)) vni += 1;
  return vni;
}
