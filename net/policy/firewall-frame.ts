import { NETWORK_DEVICE_PREFIX, OVERLAY_DEVICE, POD_DEVICE_PREFIX, TUNNEL_DEVICE_PREFIX } from "../device-names.js";
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
}

const POD = `iifname "${POD_DEVICE_PREFIX}*"`;

/** What packets of other hosts' pods come by, whose senders were held to their addresses outside of it. */
const TUNNELS = `{ "${OVERLAY_DEVICE}", "${NETWORK_DEVICE_PREFIX}*", "${TUNNEL_DEVICE_PREFIX}*" }`;

/** A TCP packet that does not begin a connection. */
const MIDWAY = "tcp flags & (fin | syn | rst | ack) != syn";

/** Byte 12 from the outer UDP header on: the overlay's number; 22: the inner packet's sending MAC; 28: its type; 42: its source. */
const NUMBER = "@th,96,24";
const INNER_MAC = "@th,176,48";
const INNER_IPV4 = "@th,224,16 0x0800";
const INNER_SOURCE = "@th,336,32";

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
  const { vxlanPort, vni, clusterCIDR, internalPorts, probePort } = frame;
  const inner = (...rules: readonly string[]): FirewallChain => ({ hook: "", rules });
  const base = (hook: string, ...rules: readonly string[]): FirewallChain => ({
    hook: `type filter hook ${hook}; policy accept;`,
    rules,
  });
  const known = "ct state established,related accept";
  const itself = "ip saddr . ip daddr @selves accept";
  return new Map([
    [
      "sources",
      base(
        "prerouting priority -310",
        `${POD} goto from-pods`,
        `udp dport ${vxlanPort} goto from-hosts`,
        `iifname "${OVERLAY_DEVICE}" ip saddr != ${clusterCIDR} ip saddr != @networks goto from-entries`,
        `iifname != ${TUNNELS} ip saddr ${clusterCIDR} fib saddr . iif oif missing drop`,
      ),
    ],
    ["from-pods", inner("meta protocol != ip drop", "fib saddr . iif oif missing drop", "ip daddr 127.0.0.0/8 drop")],
    [
      "from-hosts",
      inner(
        `${INNER_IPV4} ip saddr . ${INNER_SOURCE} @tunnels accept`,
        `${INNER_IPV4} ${NUMBER} ${vni} ${INNER_SOURCE} != ${rangeOf(clusterCIDR)} ${INNER_SOURCE} != @inner-networks ip saddr . ${INNER_MAC} @entry-ends accept`,
        "fib daddr type != local accept", // Somebody else's tunnel, on its way through this host.
        "drop",
      ),
    ],
    [
      "internals",
      inner(
        "ip saddr @insiders return",
        `tcp dport { ${internalPorts.join(", ")} } reject with tcp reset`,
        `udp dport { ${[vxlanPort, probePort, ...TUNNEL_PORTS].join(", ")} } drop`,
      ),
    ],
    [
      "to-host",
      base(
        "input priority -5",
        `${POD} goto internals`,
        `iifname ${TUNNELS} ip saddr != @gateways goto internals`,
        `iifname != "lo" ip saddr ${clusterCIDR} ip saddr != @gateways goto internals`,
      ),
    ],
    [
      "egress",
      base(
        "forward priority -6",
        known,
        `${POD} ip daddr @hosts jump internals`,
        itself,
        "ip saddr @firewalled jump torn",
        "ip daddr @firewalled jump torn",
        "ip saddr vmap @egress-pods",
      ),
    ],
    ["ingress", base("forward priority -5", known, itself, "ip daddr vmap @ingress-pods")],
    ...entryChains(frame),
    // A packet out of its window is lost, as anywhere; one of a connection that nobody knows is of one that was cut.
    ["torn", inner("ct state invalid drop", `ct state new ${MIDWAY} reject with tcp reset`)],
  ]);
}
