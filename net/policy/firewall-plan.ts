import type { CompiledPolicy, PodPolicies } from "../../proto/gen/tallship/v1/policies.js";
import { TUNNEL_DEVICE_PREFIX } from "../device-names.js";
import { type Family, familyOf, isAddress, isEverywhere, WORDS } from "../family.js";
import { gatewayOf, parseSubnet } from "../ipv4.js";
import { ipv6GatewayOf, parseIpv6Subnet } from "../ipv6.js";
import type { Entry } from "../kernel/entries.js";
import type { FirewallChain, FirewallSet, FirewallTable } from "../kernel/firewall.js";
import { networkChains, networkTable } from "../networks/network-firewall.js";
import type { SeenNetwork } from "../networks/seen-network.js";
import { entryEnds, entryMarks, leadingBack } from "./entry-sets.js";
import { type FirewallFrame, frameChains, INNER_IPV6_SOURCE } from "./firewall-frame.js";
import type { PolicyMap } from "./policy-map.js";
import { chainName, type PolicyDirection, policyRules } from "./policy-rules.js";

/** A pod's link as far as the firewall is concerned. */
export interface FirewalledPod {
  readonly uid: string;
  /** On each of its networks one; none for a pod that is on none. */
  readonly addresses: readonly string[];
  /** Those of them that no default route of the pod bears. Absent: none. */
  readonly byways?: readonly string[];
  /** May reach the ports that belong to Tallship itself. */
  readonly reachesInternals: boolean;
}

/** What the firewall's table follows from. */
export interface FirewallWorld {
  readonly policies: PolicyMap;
  readonly pods: Iterable<FirewalledPod>;
  /** The overlay's entries: which host may send for which subnet. */
  readonly overlay: readonly Entry[];
  /** Addresses of the cluster's hosts. */
  readonly hosts: Iterable<string>;
  /** Those of the node's own, and what else it speaks with pods under. */
  readonly own: ReadonlySet<string>;
  /** Networks beside the cluster's own. */
  readonly networks: readonly SeenNetwork[];
}

/** An address in a set, and nothing else: what other nodes said of their pods must not become words of a rule. */
const MEMBER = /^([\d.]{7,15}|[\da-f:]{2,39})(?:\/(TCP|UDP|SCTP)\/(\d{1,5}))?$/;

/**
 * Plans the firewall's table. Remembers what it made of each policy and set, so that a change costs as much as what changed; the plan is a
 * function of the world alone.
 */
export class FirewallPlanner {
  private readonly settings: FirewallFrame;
  private readonly family: Family;
  private readonly frame: ReadonlyMap<string, FirewallChain>;
  private readonly rules = new WeakMap<CompiledPolicy, Map<PolicyDirection, readonly string[]>>();
  private readonly peerSets = new WeakMap<ReadonlySet<string>, FirewallSet>();

  constructor(frame: FirewallFrame) {
    this.settings = frame;
    this.family = frame.family ?? "IPv4";
    this.frame = new Map([...frameChains(frame), ...networkChains(frame)]);
  }

  /** The table for this world. */
  plan(world: FirewallWorld): FirewallTable {
    const mine = (addresses: readonly string[]): readonly string[] => addresses.filter((ip) => this.isMine(ip));
    const pods = [...world.pods].map((pod) => {
      return { ...pod, addresses: mine(pod.addresses), byways: mine(pod.byways ?? []) };
    });
    const networks = networkTable(world.networks, pods, this.settings);
    const chains = new Map([...this.frame, ...networks.chains]);
    const isolated = pods.map((pod) => ({ pod, policies: world.policies.pods.get(pod.uid) }));
    const verdicts = (direction: PolicyDirection): ReadonlyMap<string, string> =>
      new Map(
        isolated.flatMap(({ pod, policies }) => {
          const chain = this.enter(chains, world.policies, { direction, names: policies?.[direction] ?? [] });
          return chain === undefined ? [] : pod.addresses.map((address) => [address, `goto ${chain}`] as const);
        }),
      );
    const firewalled = isolated.filter(({ policies }) => isFirewalled(policies)).map(({ pod }) => pod.addresses);
    const { address } = WORDS[this.family];
    const selves = firewalled.flatMap((own) => own.flatMap((one) => own.map((other) => `${one} . ${other}`)));
    const sets = new Map<string, FirewallSet>([
      ...this.tunnelSets(world),
      ["gateways", setOf(`type ${address};`, gateways(world.overlay, this.family))],
      [
        "hosts",
        setOf(
          `type ${address};`,
          [...world.hosts].filter((host) => this.isMine(host)),
        ),
      ],
      ["entry-marks", entryMarks(world.overlay, this.family)],
      ["leading-back", leadingBack(world.overlay, this.family, this.settings.clusterCIDR)],
      [
        "insiders",
        setOf(
          `type ${address};`,
          pods.filter((pod) => pod.reachesInternals).flatMap((pod) => pod.addresses),
        ),
      ],
      ["firewalled", setOf(`type ${address};`, firewalled.flat())],
      ["selves", setOf(`type ${address} . ${address};`, selves)],
      ...networks.sets,
      ["ingress-pods", { is: "map", type: `type ${address} : verdict;`, elements: verdicts("ingress") }],
      ["egress-pods", { is: "map", type: `type ${address} : verdict;`, elements: verdicts("egress") }],
    ]);
    for (const [name, members] of world.policies.sets) sets.set(name, this.peerSet(name, members));
    return { sets, chains };
  }

  private isMine(address: string): boolean {
    return isAddress(this.family, address);
  }

  /** Outer packets are of IPv4: it is there that both kinds of inner ones are held to their hosts. */
  private tunnelSets({ overlay, networks }: FirewallWorld): readonly (readonly [string, FirewallSet])[] {
    if (this.family === "IPv6") return [];
    const ipv4 = [
      ["tunnels", setOf("typeof ip saddr . @th,336,32; flags interval;", tunnels(overlay))],
      ["entry-ends", entryEnds(overlay, "IPv4")],
    ] as const;
    if (this.settings.ipv6 === undefined) return ipv4;
    return [
      ...ipv4,
      ["tunnels-ipv6", setOf(`typeof ip saddr . ${INNER_IPV6_SOURCE}; flags interval;`, ipv6Tunnels(overlay))],
      ["entry-ends-ipv6", entryEnds(overlay, "IPv6")],
      [
        "inner-networks-ipv6",
        setOf(
          `typeof ${INNER_IPV6_SOURCE}; flags interval;`,
          networks.flatMap(({ ipv6 }) => (ipv6 === undefined ? [] : wideRange(ipv6.subnet))),
        ),
      ],
    ];
  }

  /** Adds the chain of pods that these policies select; undefined when none does. Pods with the same policies share it, policies with the same rules too. */
  private enter(
    chains: Map<string, FirewallChain>,
    { policies }: PolicyMap,
    { direction, names }: { readonly direction: PolicyDirection; readonly names: readonly string[] },
  ): string | undefined {
    if (names.length === 0) return undefined;
    const jumps = names.flatMap((name) => {
      const policy = policies.get(name);
      const rules = policy === undefined ? [] : this.rulesOf(policy, direction);
      if (rules.length === 0) return [];
      const chain = chainName("allow", rules);
      chains.set(chain, { hook: "", rules });
      return [`jump ${chain}`];
    });
    const rules = [...new Set(jumps), "drop"];
    const chain = chainName("pods", rules);
    chains.set(chain, { hook: "", rules });
    return chain;
  }

  private rulesOf(policy: CompiledPolicy, direction: PolicyDirection): readonly string[] {
    const known = this.rules.get(policy) ?? new Map<PolicyDirection, readonly string[]>();
    this.rules.set(policy, known);
    const rules = known.get(direction) ?? policyRules(policy, direction, this.family);
    known.set(direction, rules);
    return rules;
  }

  private peerSet(name: string, members: ReadonlySet<string>): FirewallSet {
    const known = this.peerSets.get(members);
    if (known !== undefined) return known;
    const isPorts = name.startsWith("ports-");
    const { address } = WORDS[this.family];
    const type = isPorts ? `type ${address} . inet_proto . inet_service;` : `type ${address};`;
    const made = setOf(
      type,
      [...members].flatMap((member) => elementOf(member, this.family)),
    );
    this.peerSets.set(members, made);
    return made;
  }
}

/** True when some policy selects the pod in a direction. */
export function isFirewalled(policies: PodPolicies | undefined): boolean {
  return policies !== undefined && policies.ingress.length + policies.egress.length > 0;
}

function setOf(type: string, keys: readonly string[]): FirewallSet {
  return { is: "set", type, elements: new Map(keys.map((key) => [key, ""])) };
}

function elementOf(member: string, family: Family): readonly string[] {
  const [, address = "", protocol, port] = MEMBER.exec(member) ?? [];
  if (!isAddress(family, address)) return [];
  return [protocol === undefined ? address : `${address} . ${protocol.toLowerCase()} . ${port}`];
}

/** From which host packets of which pods may come: what the overlay's own entries say, read the other way. */
function tunnels(overlay: readonly Entry[]): readonly string[] {
  return tunnelled(overlay).flatMap(({ host, subnet: text }) => {
    const subnet = parseSubnet(text);
    if (subnet === undefined) return [];
    const last = subnet.base + subnet.size - 1;
    return [`${host} . 0x${subnet.base.toString(16)}-0x${last.toString(16)}`];
  });
}

/** The same of IPv6. */
function ipv6Tunnels(overlay: readonly Entry[]): readonly string[] {
  return tunnelled(overlay).flatMap(({ host, subnet }) => wideRange(subnet).map((range) => `${host} . ${range}`));
}

/** A range of IPv6 as nft compares it with bytes of a packet; none when it is one of IPv4. */
function wideRange(text: string): readonly string[] {
  const subnet = parseIpv6Subnet(text);
  if (subnet === undefined) return [];
  const last = subnet.base + (1n << BigInt(128 - subnet.prefixLength)) - 1n;
  return [[subnet.base, last].map((value) => `0x${value.toString(16).padStart(32, "0")}`).join("-")];
}

/** Every subnet that is reached through the tunnel, and the host that has it. */
function tunnelled(overlay: readonly Entry[]): readonly { readonly host: string; readonly subnet: string }[] {
  const macs = new Map(overlay.flatMap((entry) => (entry.table === "neigh" ? [[entry.ip, entry.mac] as const] : [])));
  const hosts = new Map(
    overlay.flatMap((entry) => (entry.table === "fdb" ? [[entry.mac, entry.underlayIp] as const] : [])),
  );
  return overlay.flatMap((entry) => {
    // A gateway that has a route of its own has the one to its subnet too.
    if (entry.table !== "route" || entry.via === "" || entry.subnet === `${entry.via}/32`) return [];
    if (isEverywhere(entry.subnet)) return [];
    const host = hosts.get(macs.get(entry.via) ?? "");
    return host === undefined ? [] : [{ host, subnet: entry.subnet }];
  });
}

const ALL_BITS = { IPv4: "32", IPv6: "128" } as const satisfies Readonly<Record<Family, string>>;

/** Hosts' own addresses of a family in networks: next hops of shares, and ends of tunnels. */
function gateways(overlay: readonly Entry[], family: Family): readonly string[] {
  const found = overlay.flatMap((entry) => {
    if (entry.table !== "route" || isEverywhere(entry.subnet) || familyOf(entry.subnet) !== family) return [];
    if (entry.via === "" && !entry.device.startsWith(TUNNEL_DEVICE_PREFIX)) return [];
    const [address = "", bits] = entry.subnet.split("/");
    if (bits === ALL_BITS[family]) return [address];
    return [family === "IPv6" ? ipv6GatewayOf(entry.subnet) : gatewayOf(entry.subnet)];
  });
  return [...new Set(found)];
}
