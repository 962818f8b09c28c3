import { SHORTCUT_OBJECT } from "./shortcut/shortcut-kernel.js";

/** Something of the kernel that the network needs: how it is tried, and what to do when it is missing. */
export interface KernelNeed {
  /** A shell script that fails where it is missing. Run in a network namespace that ends with it. */
  readonly script: string;
  readonly remedy: string;
  /** A host does without until somebody asks for what needs it. Absent: it does not. */
  readonly isOptional?: boolean;
}

/** nft reads its transaction from a here-document: what is tried is what the proxy's table is made of. */
const SERVICES_SCRIPT = `nft -f - <<'END'
table inet probe {
  map slots { typeof ip daddr . meta l4proto . th dport . numgen random mod 65535 : ip daddr . th dport; }
  map services { type ipv4_addr . inet_proto . inet_service : verdict; }
  map ranges { type ipv4_addr . inet_proto . inet_service . ipv4_addr : verdict; flags interval; }
  map clients { typeof ip saddr . ip daddr . meta l4proto . th dport : ct mark; flags dynamic, timeout; size 9; }
  chain remember {
    meta l4proto != { tcp, udp, sctp } return
    update @clients { ip saddr . ip daddr . meta l4proto . th dport timeout 9s : ct mark }
    ct mark set ip saddr . ip daddr . meta l4proto . th dport map @clients
    delete @clients { ip saddr . ip daddr . meta l4proto . th dport : ct mark }
  }
  chain pick { meta l4proto { tcp, udp, sctp } dnat ip to ip daddr . meta l4proto . th dport . numgen random mod 2 map @slots; }
  chain guarded {
    ip daddr . meta l4proto . th dport . ip saddr vmap @ranges
    drop
  }
  chain translate {
    type nat hook prerouting priority dstnat; policy accept;
    ip daddr . meta l4proto . th dport vmap @services
    fib daddr type local return
  }
  chain leave {
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr 192.0.2.1 masquerade
  }
  chain untracked {
    type filter hook output priority raw; policy accept;
    udp dport 9 notrack
  }
  chain refuse {
    type filter hook forward priority filter; policy accept;
    meta l4proto tcp reject with tcp reset
    reject with icmpx type port-unreachable
  }
}
END`;

/** What a cluster of both families is made of: addresses, routes through a device, and tables whose endpoints are addresses of IPv6. */
const IPV6_SCRIPT = `ip link add probe0 type veth peer name probe1 && ip link set probe0 up \\
&& ip address add fd00::1/128 dev probe0 nodad && ip route add fd00:1::/64 via fd00::2 dev probe0 onlink src fd00::1 \\
&& ip neighbour add proxy fd00::3 dev probe0 && echo 1 > /proc/sys/net/ipv6/conf/all/forwarding && nft -f - <<'END'
table ip6 probe {
  map slots { typeof ip6 daddr . meta l4proto . th dport . numgen random mod 65535 : ip6 daddr . th dport; }
  chain pick { meta l4proto { tcp, udp, sctp } dnat ip6 to ip6 daddr . meta l4proto . th dport . numgen random mod 2 map @slots; }
  chain leave {
    type nat hook postrouting priority srcnat; policy accept;
    ip6 saddr fd00::/64 masquerade
  }
  chain sources {
    type filter hook prerouting priority -310; policy accept;
    ip6 saddr fd00::/64 fib saddr . iif oif missing drop
  }
}
END`;

/** What the network needs of the kernel, for `doctor`. */
export const KERNEL_NEEDS = {
  vxlan: {
    script: "ip link add probe0 type vxlan id 1 local 127.0.0.1 dstport 4789 nolearning noudpcsum",
    remedy: "the overlay needs it: modprobe vxlan, or a kernel with CONFIG_VXLAN",
  },
  veth: {
    script: "ip link add probe0 type veth peer name probe1",
    remedy: "pods' links need it: modprobe veth, or a kernel with CONFIG_VETH",
  },
  nftables: {
    script: SERVICES_SCRIPT,
    remedy:
      "services need it: modprobe nft_chain_nat nft_numgen nft_fib_inet nft_reject_inet nft_ct nft_masq, or nftables 1.0.6 and a kernel with these",
  },
  sctp: {
    // The settings are there once connections are tracked.
    script:
      "nft 'add table ip probe; add chain ip probe c { type nat hook prerouting priority -100; }' && test -e /proc/sys/net/netfilter/nf_conntrack_sctp_timeout_established || { echo 'connections of SCTP are not tracked' >&2; false; }",
    remedy: "services with ports of SCTP need it: a kernel with CONFIG_NF_CT_PROTO_SCTP",
    isOptional: true,
  },
  ipv6: {
    script: IPV6_SCRIPT,
    remedy:
      "clusters with ranges of IPv6 need it: boot without ipv6.disable=1, or a kernel with CONFIG_IPV6, IP6_NF_NAT and nft_fib_ipv6",
    isOptional: true,
  },
  shortcut: {
    script: `mount -t bpf bpf /sys/fs && bpftool prog loadall '${SHORTCUT_OBJECT}' /sys/fs/shortcut && ip link add probe0 type veth peer name probe1 \\
&& tc qdisc add dev probe0 clsact && tc filter add dev probe0 ingress bpf da object-pinned /sys/fs/shortcut/from_pod`,
    remedy:
      "without it the overlay has two thirds of the link's throughput and two to three times its round trip: install bpftool, and a kernel with CONFIG_BPF_SYSCALL, CONFIG_NET_CLS_BPF and CONFIG_NET_SCH_INGRESS",
    isOptional: true,
  },
} as const satisfies Record<string, KernelNeed>;

/** Name of a need. */
export type KernelNeedName = keyof typeof KERNEL_NEEDS;

/** A chain of somebody else that drops what it does not name, as `nft -j list chains` tells. */
export interface DroppingChain {
  readonly family: string;
  readonly table: string;
  readonly name: string;
  readonly hook: "forward" | "input";
}

/**
 * Chains by whose policy pods' packets may be lost: no other table can overrule a drop. Some firewalls and docker make them, with
 * rules that let through what they know.
 */
export function droppingChains(nftJson: string): readonly DroppingChain[] {
  return chainsOf(nftJson).flatMap(({ family, table, name, hook, policy }) => {
    const matters = (hook === "forward" || hook === "input") && policy === "drop" && family !== "ip6";
    return matters ? [{ family, table, name, hook }] : [];
  });
}

/** What to tell the owner of a host that has such a chain. */
export function dropRemedy({ family, table, name, hook }: DroppingChain): string {
  const chain = `nft add rule ${family} ${table} ${name}`;
  if (hook === "input")
    return `let in pods' questions for names, the overlay and node ports: ${chain} iifname "tsp*" accept; and UDP 4789, TCP 7446 of other hosts`;
  return `let pods' packets through: ${chain} iifname { "tsp*", "tallship0" } accept, and the same with oifname`;
}

interface Chain {
  readonly family: string;
  readonly table: string;
  readonly name: string;
  readonly hook?: string;
  readonly policy?: string;
}

function chainsOf(nftJson: string): readonly Chain[] {
  try {
    // A parser: nft's own format; a field that is missing matches nothing.
    const parsed = JSON.parse(nftJson) as { readonly nftables?: readonly { readonly chain?: Chain }[] };
    return (parsed.nftables ?? []).flatMap(({ chain }) => (chain === undefined ? [] : [chain]));
  } catch {
    return [];
  }
}
