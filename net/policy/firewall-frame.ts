import { NETWORK_DEVICE_PREFIX, OVERLAY_DEVICE, POD_DEVICE_PREFIX, TUNNEL_DEVICE_PREFIX } from "../device-names.js";
import { type Family, type FamilyWords, WORDS } from "../family.js";
import { ipv6SubnetOf } from "../ipv6.js";
import type { FirewallChain } from "../kernel/firewall.js";
import { type NetworkFrame, rangeOf } from "../networks/network-firewall.js";
import { TUNNEL_PORTS } from "../tunnels/tunnel-keys.js";
import { entryChains } from "./entry-chains.js";

/** What the firewall's fixed rules depend on. Fixed while the process runs. */
export interface FirewallFrame extends NetworkFrame {
  readonly vxlanPort: number;
  /** VXLAN network identifier of the cluster's own overlay. */
  readonly vni: number;
  readonly serviceCIDR: string;
  /** All pods of the cluster. */
  readonly clusterCIDR: string;
  /** TCP ports of Tallship itself on its hosts, which pods have no business with. */
  readonly internalPorts: readonly number[];
  /** UDP port of peers' probes. */
  readonly probePort: number;
  /** Of the packets that the table decides on; IPv4 when absent. */
  readonly family?: Family;
  /** Present where the cluster speaks IPv6 too: then pods' packets of it pass on to its own table. */
  readonly ipv6?: { readonly clusterCIDR: string } | undefined;
}

const POD = `iifname "${POD_DEVICE_PREFIX}*"`;

/** What packets of other hosts' pods come by, whose senders were held to their addresses outside of it. */
const TUNNELS = `{ "${OVERLAY_DEVICE}", "${NETWORK_DEVICE_PREFIX}*", "${TUNNEL_DEVICE_PREFIX}*" }`;

/** A TCP packet that does not begin a connection. */
const MIDWAY = "tcp flags & (fin | syn | rst | ack) != syn";

/**
 * Byte 12 from the outer UDP header on: the overlay's number; 22: the inner packet's sending MAC; 28: its type; 42: its source; of IPv6 38.
 */
const NUMBER = "@th,96,24";
const INNER_MAC = "@th,176,48";
const INNER_IPV4 = "@th,224,16 0x0800";
const INNER_SOURCE = "@th,336,32";
const INNER_IPV6 = "@th,224,16 0x86dd";

/** The inner packet's source of IPv6, whole: a node's share of a network is told by its lowest bits. */
export const INNER_IPV6_SOURCE = "@th,304,128";

/** Its upper half, in which the cluster's own range ends. */
const INNER_IPV6_UPPER = "@th,304,64";

/**
 * The chains that are always there, whatever policies say.
 *
 * Before anything else, `sources` holds senders to their own addresses: a pod's packet must come from the device that the way back leads
 * to, also where pods of other hosts come without the overlay, and a packet of the overlay from the host that has its sender's subnet. A host may
 * also hand on what a client from outside sends to a pod: in its own name, which is its MAC, and from no address of the cluster's. Two base chains then ask the policies, one for each end, since
 * an `accept` ends only the chain it stands in. Connections that were let through are asked about no more; those that are forbidden later
 * are forgotten by the kernel, and `torn` ends what goes on of them.
 */
export function frameChains(frame: FirewallFrame): ReadonlyMap<string, FirewallChain> {
  const words = WORDS[frame.family ?? "IPv4"];
  const { ip } = words;
  const known = "ct state established,related accept";
  const itself = `${ip} saddr . ${ip} daddr @selves accept`;
  return new Map([
    ...senderChains(frame, words),
    ...hostChains(frame, words),
    [
      "egress",
      base(
        "forward priority -6",
        known,
        `${POD} ${ip} daddr @hosts jump internals`,
        itself,
        `${ip} saddr @firewalled jump torn`,
        `${ip} daddr @firewalled jump torn`,
        `${ip} saddr vmap @egress-pods`,
      ),
    ],
    ["ingress", base("forward priority -5", known, itself, `${ip} daddr vmap @ingress-pods`)],
    ...entryChains(frame),
    // A packet out of its window is lost, as anywhere; one of a connection that nobody knows is of one that was cut.
    ["torn", inner("ct state invalid drop", `ct state new ${MIDWAY} reject with tcp reset`)],
  ]);
}

function inner(...rules: readonly string[]): FirewallChain {
  return { hook: "", rules };
}

function base(hook: string, ...rules: readonly string[]): FirewallChain {
  return { hook: `type filter hook ${hook}; policy accept;`, rules };
}

type Chains = readonly (readonly [string, FirewallChain])[];

/** Who sends: a pod what is its own, a host what its pods send. The tunnel's outer packets are of IPv4, whatever is in them. */
function senderChains(frame: FirewallFrame, { ip, loopback }: FamilyWords): Chains {
  const { vxlanPort, vni, clusterCIDR, ipv6 } = frame;
  const way = `iifname != ${TUNNELS} ${ip} saddr ${clusterCIDR} fib saddr . iif oif missing drop`;
  const own = ["fib saddr . iif oif missing drop", `${ip} daddr ${loopback} drop`];
  const entries = `iifname "${OVERLAY_DEVICE}" ${ip} saddr != ${clusterCIDR} ${ip} saddr != @networks goto from-entries`;
  const sources = (...outer: readonly string[]): FirewallChain =>
    base("prerouting priority -310", `${POD} goto from-pods`, ...outer, entries, way);
  if (ip === "ip6")
    return [
      ["sources", sources()],
      ["from-pods", inner(...own)],
    ];
  const others = ipv6 === undefined ? [] : ["meta protocol ip6 accept"];
  return [
    ["sources", sources(`udp dport ${vxlanPort} goto from-hosts`)],
    ["from-pods", inner(...others, "meta protocol != ip drop", ...own)],
    [
      "from-hosts",
      inner(
        `${INNER_IPV4} ip saddr . ${INNER_SOURCE} @tunnels accept`,
        `${INNER_IPV4} ${NUMBER} ${vni} ${INNER_SOURCE} != ${rangeOf(clusterCIDR)} ${INNER_SOURCE} != @inner-networks ip saddr . ${INNER_MAC} @entry-ends accept`,
        ...(ipv6 === undefined ? [] : innerIpv6(vni, ipv6.clusterCIDR)),
        "fib daddr type != local accept", // Somebody else's tunnel, on its way through this host.
        "drop",
      ),
    ],
  ];
}

/** As of IPv4: a host's pods, and clients that it hands on. */
function innerIpv6(vni: number, clusterCIDR: string): readonly string[] {
  const { base: first, prefixLength } = ipv6SubnetOf(clusterCIDR, "pods of IPv6");
  const mask = (1n << 64n) - (1n << BigInt(64 - prefixLength));
  const stranger = `${INNER_IPV6_UPPER} & ${hexText(mask)} != ${hexText(first >> 64n)}`;
  return [
    `${INNER_IPV6} ip saddr . ${INNER_IPV6_SOURCE} @tunnels-ipv6 accept`,
    `${INNER_IPV6} ${NUMBER} ${vni} ${stranger} ${INNER_IPV6_SOURCE} != @inner-networks-ipv6 ip saddr . ${INNER_MAC} @entry-ends-ipv6 accept`,
  ];
}

function hexText(value: bigint): string {
  return `0x${value.toString(16)}`;
}

/** What pods have no business with on hosts. */
function hostChains(
  { vxlanPort, clusterCIDR, internalPorts, probePort, ipv6 }: FirewallFrame,
  { ip }: FamilyWords,
): Chains {
  // Where IPv6 has a table of its own, that one knows who is let in by it.
  const mine = ip === "ip" && ipv6 !== undefined ? ["meta nfproto ipv6 return"] : [];
  return [
    [
      "internals",
      inner(
        ...mine,
        `${ip} saddr @insiders return`,
        `tcp dport { ${internalPorts.join(", ")} } reject with tcp reset`,
        `udp dport { ${[vxlanPort, probePort, ...TUNNEL_PORTS].join(", ")} } drop`,
      ),
    ],
    [
      "to-host",
      base(
        "input priority -5",
        `${POD} goto internals`,
        `iifname ${TUNNELS} ${ip} saddr != @gateways goto internals`,
        `iifname != "lo" ${ip} saddr ${clusterCIDR} ${ip} saddr != @gateways goto internals`,
      ),
    ],
  ];
}
