import { NETWORK_DEVICE_PREFIX, OVERLAY_DEVICE, POD_DEVICE_PREFIX, TUNNEL_DEVICE_PREFIX } from "../device-names.js";
import { type Family, type FamilyWords, familyOf, rangeTest, WORDS } from "../family.js";
import { contains, gatewayOf, parseAddress, parseSubnet, subnetOf, tunnelAddressOf } from "../ipv4.js";
import { ipv6GatewayOf, ipv6TunnelAddressOf } from "../ipv6.js";
import type { FirewallChain, FirewallSet } from "../kernel/firewall.js";
import { chainName } from "../policy/policy-rules.js";
import type { SeenNetwork } from "./seen-network.js";
import { tunnelEndsOf } from "./tunnel-ways.js";

/** What rules around networks depend on, of one family. Fixed while the process runs. */
export interface NetworkFrame {
  /** IPv4 when absent. */
  readonly family?: Family;
  /** All pods of the cluster's own network. */
  readonly clusterCIDR: string;
  readonly podCIDR: string;
  /** The cluster's own network, too, is for tunnels alone. */
  readonly encrypted: boolean;
}

/** A network as one family's packets see it. */
type FamilyNetwork = Pick<SeenNetwork, "subnet" | "share" | "isInternal">;

/**
 * The chains that keep networks apart, before policies are asked. A pod reaches the networks that it is on and, unless one is internal, what is no
 * pod at all; strangers come in by services and host ports, hosts always. A packet from a pod's address in one network to another network of the pod's
 * gets its address there, so that services lead to all networks that a pod is on.
 */
export function networkChains(frame: NetworkFrame): ReadonlyMap<string, FirewallChain> {
  const { family = "IPv4", clusterCIDR, podCIDR } = frame;
  const { ip } = WORDS[family];
  const gateway = gatewayIn(podCIDR, family);
  return new Map([
    [
      "networks-apart",
      {
        hook: "type filter hook forward priority -7; policy accept;",
        rules: [
          "ct state established,related accept",
          `${ip} saddr . ${ip} daddr @joins accept`,
          `${ip} saddr vmap @networks-from`,
          `${ip} daddr vmap @networks-to`,
          `${ip} saddr @networks ${ip} daddr ${clusterCIDR} drop`,
        ],
      },
    ],
    ["sealed", sealedChain(ip)],
    [
      "network-sources",
      {
        // Before the proxy's, which knows of the cluster's own network only.
        hook: "type nat hook postrouting priority 99; policy accept;",
        rules: [
          // A pod that a service leads to itself on another network drops what bears its own address.
          `snat ${ip} to ${ip} saddr . ${ip} daddr map @join-selves`,
          `snat ${ip} to ${ip} saddr . ${ip} daddr map @join-sources`,
          // Answers from there would leave by another of the pod's links, unless they go to the network itself.
          `${ip} saddr . ${ip} daddr @byway-clients accept`,
          `snat ${ip} to ${ip} daddr map @byway-sources`,
          `oifname "${NETWORK_DEVICE_PREFIX}*" ${ip} saddr != @networks snat ${ip} to ${gateway}`,
          ...tunnelSources(frame),
          `oifname { "lo", "${OVERLAY_DEVICE}", ${ENDS}, "${NETWORK_DEVICE_PREFIX}*" } accept`,
          `${ip} saddr @networks masquerade`,
        ],
      },
    ],
  ]);
}

/**
 * What is encrypted leaves by tunnels, or for a pod of this host; whatever becomes of routes, never in plain text. Asked where the way out is final:
 * before, a packet of the host's own to a service still has the way to the service's address.
 */
function sealedChain(ip: FamilyWords["ip"]): FirewallChain {
  const hook = "type filter hook postrouting priority -8; policy accept;";
  return { hook, rules: [`${ip} daddr @sealed oifname != { "lo", ${ENDS} } drop`] };
}

/** Who speaks for strangers in tunnels. On the cluster's own network it is the gateway, as on the overlay. */
function tunnelSources({ family = "IPv4", clusterCIDR, podCIDR, encrypted }: NetworkFrame): readonly string[] {
  const { ip } = WORDS[family];
  const end = family === "IPv4" ? tunnelAddressOf(podCIDR) : ipv6TunnelAddressOf(podCIDR);
  return [
    ...(encrypted ? [`oifname "${TUNNEL_DEVICE_PREFIX}*" ${ip} daddr ${clusterCIDR} accept`] : []),
    `oifname "${TUNNEL_DEVICE_PREFIX}*" ${ip} saddr != @networks snat ${ip} to ${end}`,
  ];
}

const ENDS = `"${POD_DEVICE_PREFIX}*", "${TUNNEL_DEVICE_PREFIX}*"`;

/** A pod as far as networks are concerned. */
export interface NetworkedPod {
  readonly addresses: readonly string[];
  /** Those of its addresses that no default route of the pod bears. Absent: none. */
  readonly byways?: readonly string[];
}

/** The sets and chains of a family for these networks and this node's pods on them. */
export function networkTable(
  all: readonly SeenNetwork[],
  pods: Iterable<NetworkedPod>,
  frame: NetworkFrame,
): { readonly sets: ReadonlyMap<string, FirewallSet>; readonly chains: ReadonlyMap<string, FirewallChain> } {
  const { family = "IPv4", clusterCIDR, podCIDR } = frame;
  const { address } = WORDS[family];
  const networks = all.flatMap((each) => ofFamily(each, family));
  const chains = new Map<string, FirewallChain>();
  const enter = (rules: readonly string[]): string => {
    const name = chainName("network", rules);
    chains.set(name, { hook: "", rules });
    return name;
  };
  const from = new Map<string, string>();
  const to = new Map<string, string>();
  for (const { subnet, isInternal } of networks) {
    if (isInternal) from.set(subnet, `jump ${enter([`${WORDS[family].ip} daddr ${subnet} accept`, "drop"])}`);
    to.set(subnet, `goto ${enter(entrance(subnet, isInternal, frame))}`);
  }
  const ranges = [{ subnet: clusterCIDR, share: podCIDR }, ...networks].map(({ subnet, share }) => {
    return { subnet, gateway: share && gatewayIn(share, family), holds: rangeTest(subnet) };
  });
  const known = [...pods];
  const placed = known.map(({ addresses }) => (addresses.length < 2 ? [] : placesOf(addresses, ranges)));
  const joins = new Map(placed.flatMap(joinsOf));
  return {
    chains,
    sets: new Map<string, FirewallSet>([
      ["networks", setOf(`type ${address}; flags interval;`, new Map(networks.map(({ subnet }) => [subnet, ""])))],
      ...(family === "IPv4" ? [["inner-networks", innerNetworks(all)] as const] : []),
      [
        "sealed",
        setOf(`type ${address}; flags interval;`, new Map(sealedRanges(all, frame).map((cidr) => [cidr, ""]))),
      ],
      ["networks-from", verdicts(address, from)],
      ["networks-to", verdicts(address, to)],
      [
        "joins",
        setOf(`type ${address} . ${address}; flags interval;`, new Map([...joins.keys()].map((key) => [key, ""]))),
      ],
      [
        "join-sources",
        { is: "map", type: `type ${address} . ${address} : ${address}; flags interval;`, elements: joins },
      ],
      [
        "join-selves",
        {
          is: "map",
          type: `type ${address} . ${address} : ${address};`,
          elements: new Map(placed.flatMap(selvesOf)),
        },
      ],
      ...bywaySets(
        address,
        known.flatMap(({ byways = [] }) => placesOf(byways, ranges)),
      ),
    ]),
  };
}

function ofFamily({ subnet, share, isInternal, ipv6 }: SeenNetwork, family: Family): readonly FamilyNetwork[] {
  if (family === "IPv4") return [{ subnet, share, isInternal }];
  return ipv6 === undefined ? [] : [{ ...ipv6, isInternal }];
}

function gatewayIn(share: string, family: Family): string {
  return family === "IPv4" ? gatewayOf(share) : ipv6GatewayOf(share);
}

/** Senders of networks as the table of IPv4 finds them in overlays' packets, which are of IPv4 outside. */
function innerNetworks(networks: readonly SeenNetwork[]): FirewallSet {
  return setOf("typeof @th,336,32; flags interval;", new Map(networks.map(({ subnet }) => [rangeOf(subnet), ""])));
}

/** Encrypted networks, and the addresses of hosts that speak with their pods from the ends of tunnels. */
function sealedRanges(
  networks: readonly SeenNetwork[],
  { family = "IPv4", clusterCIDR, encrypted }: NetworkFrame,
): readonly string[] {
  const sealed = networks.filter(({ way }) => way === "tunnel");
  const ranges = sealed.flatMap((each) => ofFamily(each, family)).map(({ subnet }) => subnet);
  // Of the cluster's own range are the hosts' addresses, too.
  if (encrypted) return [clusterCIDR, ...ranges];
  const ends = sealed.flatMap(({ tunnelPeers }) => tunnelPeers.flatMap(tunnelEndsOf));
  return [...ranges, ...new Set(ends.filter((ip) => familyOf(ip) === family))];
}

/** Who comes in: the network's own, and hosts; strangers too, unless it is internal. */
function entrance(
  subnet: string,
  isInternal: boolean,
  { family = "IPv4", clusterCIDR }: NetworkFrame,
): readonly string[] {
  const { ip } = WORDS[family];
  const own = [`${ip} saddr ${subnet} accept`, `${ip} saddr @gateways accept`];
  return isInternal ? [...own, "drop"] : [...own, `${ip} saddr ${clusterCIDR} drop`, `${ip} saddr @networks drop`];
}

/** A network's range, and the next hop of this node's pods there; undefined: it has none. */
interface Range {
  readonly subnet: string;
  readonly gateway: string | undefined;
  readonly holds: (address: string) => boolean;
}

/** One of a pod's addresses, and the network that it is of. */
interface PodPlace extends Range {
  readonly address: string;
}

function placesOf(addresses: readonly string[], ranges: readonly Range[]): readonly PodPlace[] {
  return addresses.flatMap((address) => {
    const range = ranges.find(({ holds }) => holds(address));
    return range === undefined ? [] : [{ ...range, address }];
  });
}

/** By address of a pod and range of another network of the pod's: its address there. */
function joinsOf(places: readonly PodPlace[]): readonly (readonly [string, string])[] {
  return pairsOf(places).map(([one, other]) => [`${one.address} . ${other.subnet}`, other.address]);
}

/** By two addresses of a pod: the next hop of the second. */
function selvesOf(places: readonly PodPlace[]): readonly (readonly [string, string])[] {
  return pairsOf(places).flatMap(([one, other]) =>
    other.gateway === undefined ? [] : [[`${one.address} . ${other.address}`, other.gateway] as const],
  );
}

/** Who is seen by pods at such addresses as himself, and the next hops there, under which all others come: hosts that a service leads there. */
function bywaySets(address: string, places: readonly PodPlace[]): readonly (readonly [string, FirewallSet])[] {
  const clients = places.map((place) => [`${place.subnet} . ${place.address}`, ""] as const);
  const sources = places.flatMap((place) =>
    place.gateway === undefined ? [] : [[place.address, place.gateway] as const],
  );
  return [
    ["byway-clients", setOf(`type ${address} . ${address}; flags interval;`, new Map(clients))],
    ["byway-sources", { is: "map", type: `type ${address} : ${address};`, elements: new Map(sources) }],
  ];
}

function pairsOf(places: readonly PodPlace[]): readonly (readonly [PodPlace, PodPlace])[] {
  return places.flatMap((one) => places.flatMap((other) => (other === one ? [] : [[one, other] as const])));
}

/** True when the address lies in the range. */
export function isIn(cidr: string, address: string): boolean {
  const subnet = parseSubnet(cidr);
  const value = parseAddress(address);
  return subnet !== undefined && value !== undefined && contains(subnet, value);
}

/** A subnet as nft compares it with bytes of a packet. */
export function rangeOf(cidr: string): string {
  const { base, size } = subnetOf(cidr, "range");
  return `0x${base.toString(16)}-0x${(base + size - 1).toString(16)}`;
}

function setOf(type: string, elements: ReadonlyMap<string, string>): FirewallSet {
  return { is: "set", type, elements };
}

function verdicts(address: string, elements: ReadonlyMap<string, string>): FirewallSet {
  return { is: "map", type: `type ${address} : verdict; flags interval;`, elements };
}
