import { OVERLAY_DEVICE, POD_DEVICE_PREFIX } from "../device-names.js";
import { type Family, type FamilyWords, WORDS } from "../family.js";
import type { FirewallChain } from "../kernel/firewall.js";
import { hex, KEPT_MARK, MATCH_OWN_MARKS, MATCH_RETURNING } from "../overlay/way-back.js";

/** What the chains for clients that came to another node depend on. Fixed while the process runs. */
export interface EntryFrame {
  /** Of the table; IPv4 when absent. */
  readonly family?: Family;
  readonly clusterCIDR: string;
  readonly serviceCIDR: string;
  /** The node's own pods. */
  readonly podCIDR: string;
}

/**
 * How clients from outside keep their address on the way to another node's pod (overlay/way-back.ts). On the node they came to, `entries-kept` marks what
 * a service leads to a node that leads back; the proxy then leaves the source alone. On the pod's node, `from-entries` says what may come so: to a pod
 * of this node and to nothing else, from no address of the cluster's, nor of its hosts, and from none that is nobody's; pods of other networks come by the
 * same device, under what `tunnels` says of them. `entries-seen`
 * remembers the way they came, and has answers marked, those of the host in the pod's name too.
 */
export function entryChains(frame: EntryFrame): readonly [string, FirewallChain][] {
  const { family = "IPv4", clusterCIDR, serviceCIDR, podCIDR } = frame;
  const { ip } = WORDS[family];
  const chain = (hook: string, ...rules: readonly string[]): FirewallChain => ({
    hook: hook === "" ? "" : `${hook}; policy accept;`,
    rules,
  });
  const isAnswer = `ct direction reply ct mark ${MATCH_RETURNING}`;
  return [
    [
      "from-entries",
      chain(
        "",
        `${ip} daddr != ${podCIDR} drop`,
        "fib daddr type local drop",
        `${ip} saddr ${serviceCIDR} drop`,
        ...NOBODYS[ip].map((range) => `${ip} saddr ${range} drop`),
        `${ip} saddr @hosts drop`,
      ),
    ],
    [
      "entries-seen",
      chain(
        "type filter hook prerouting priority -150",
        `iifname "${OVERLAY_DEVICE}" ${ip} saddr != ${clusterCIDR} ct direction original ct mark set ether saddr map @entry-marks`,
        `iifname "${POD_DEVICE_PREFIX}*" ${isAnswer} meta mark set ct mark`,
      ),
    ],
    ["answers-sent", chain("type route hook output priority -150", `${isAnswer} meta mark set ct mark`)],
    [
      "entries-kept",
      chain(
        "type filter hook prerouting priority -90", // Behind the proxy's translation, before the way is looked for.
        `${ip} saddr != ${clusterCIDR} ${ip} daddr @leading-back ct status dnat ct direction original ${ip} saddr != @hosts ${ip} saddr != @networks meta mark set ${hex(KEPT_MARK)}`,
      ),
    ],
    // The tunnel's own packets would be looked up by the mark of what they carry.
    ["marks-end", chain("type filter hook postrouting priority 300", `meta mark ${MATCH_OWN_MARKS} meta mark set 0`)],
  ];
}

/** Sources that no client has: unspecified, loopback, multicast and reserved ones; of IPv6 those of links and those that stand for addresses of IPv4, too. */
const NOBODYS = {
  ip: ["0.0.0.0/8", "127.0.0.0/8", "224.0.0.0/3"],
  ip6: ["::/127", "::ffff:0:0/96", "fe80::/10", "ff00::/8"],
} as const satisfies Readonly<Record<FamilyWords["ip"], readonly string[]>>;
