// Packets of connections that stand go between a pod and the link without passing the host's tables each: docs/adr/0032.
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

// Set by the firewall, on packets whose like may take the shortcut; SHORTCUT_MARK in shortcut-rules.ts.
#define MARK 0xf6000000
// After so long a packet goes the long way again. Tracking, policies, routes and the far host are asked that often.
#define FRESH_NS 500000000ULL
#define MOST_FLOWS 32768
#define LEAST_TTL 3
#define VXLAN_FLAGS 0x08000000
#define ECN 3
#define CONGESTED 3
// Of byte 13 of TCP's header: these begin and end connections, and are for those who track them.
#define TCP_FIN_SYN_RST 0x07

#define AROUND 64 // Bytes before the inner IP header.
#define ADDED 50 // Of these, what a pod's own packet does not have.

struct around {
	struct ethhdr outer;
	struct iphdr ip;
	struct udphdr udp;
	__be32 vxlan[2];
	struct ethhdr inner;
} __attribute__((packed, aligned(2)));

// A connection as this host's pod sends it. Echoes of ICMP have their number for both ports.
struct flow {
	__be32 source, target;
	__be16 from_port, to_port;
	__u32 protocol;
};

struct way {
	__u64 out_until_ns; // Until then the pod's packets may go out by it,
	__u64 in_until_ns; // and packets come in.
	__u32 pod_device; // The host's end of the pod's link.
	__u32 link_device;
	__u32 link_mtu;
	__u8 pod_macs[12]; // Receiver and sender, on the pod's link.
	struct around around;
} __attribute__((packed, aligned(8)));

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, MOST_FLOWS);
	__type(key, struct flow);
	__type(value, struct way);
} ways SEC(".maps");

struct packet {
	struct flow flow; // As the packet has it.
	struct iphdr *ip;
	__u32 header_bytes; // Of IP and what is in it.
	int ends_or_begins;
};

static __always_inline int read_inner(void *start, void *end, struct packet *packet)
{
	struct iphdr *ip = start;
	if ((void *)(ip + 1) > end || ip->version != 4 || ip->ihl != 5 || (ip->frag_off & bpf_htons(0x3fff)))
		return -1;
	packet->ip = ip;
	packet->flow.source = ip->saddr;
	packet->flow.target = ip->daddr;
	packet->flow.protocol = ip->protocol;
	packet->ends_or_begins = 0;
	__u8 *above = (void *)(ip + 1);
	if (above + 8 > (__u8 *)end)
		return -1;
	packet->header_bytes = 28;
	if (ip->protocol == IPPROTO_ICMP) {
		if ((above[0] != 8 && above[0] != 0) || above[1] != 0)
			return -1;
		packet->flow.from_port = packet->flow.to_port = *(__be16 *)(above + 4);
		return 0;
	}
	if (ip->protocol != IPPROTO_TCP && ip->protocol != IPPROTO_UDP)
		return -1;
	packet->flow.from_port = *(__be16 *)above;
	packet->flow.to_port = *(__be16 *)(above + 2);
	if (ip->protocol == IPPROTO_UDP)
		return 0;
	if (above + 20 > (__u8 *)end)
		return -1;
	packet->header_bytes = 20 + (above[12] >> 4) * 4;
	packet->ends_or_begins = above[13] & TCP_FIN_SYN_RST;
	return 0;
}

static __always_inline struct flow answers(const struct flow *flow)
{
	struct flow other = {
		.source = flow->target,
		.target = flow->source,
		.from_port = flow->to_port,
		.to_port = flow->from_port,
		.protocol = flow->protocol,
	};
	return other;
}

static __always_inline void forget(struct way *way)
{
	way->out_until_ns = 0;
	way->in_until_ns = 0;
}

static __always_inline int fits(struct __sk_buff *skb, const struct way *way, const struct packet *packet)
{
	__u32 bytes = skb->len - sizeof(struct ethhdr) + ADDED;
	if (skb->gso_size == 0)
		return bytes <= way->link_mtu;
	return bytes <= 0xffff && skb->gso_size + packet->header_bytes + ADDED <= way->link_mtu;
}

static __always_inline __u16 checksum(const struct iphdr *ip)
{
	const __u16 *words = (const void *)ip;
	__u32 sum = 0;
#pragma unroll
	for (int at = 0; at < 10; at++)
		sum += words[at];
	sum = (sum & 0xffff) + (sum >> 16);
	return ~((sum & 0xffff) + (sum >> 16));
}

// A pod's link, what the pod sends: put into the headers that the last packet of the connection had, and straight to the link.
SEC("tc")
int from_pod(struct __sk_buff *skb)
{
	void *start = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct ethhdr *ethernet = start;
	struct packet packet = {};
	if ((void *)(ethernet + 1) > end || ethernet->h_proto != bpf_htons(ETH_P_IP) || read_inner(ethernet + 1, end, &packet))
		return TC_ACT_UNSPEC;
	struct way *way = bpf_map_lookup_elem(&ways, &packet.flow);
	if (!way || way->pod_device != skb->ifindex)
		return TC_ACT_UNSPEC;
	if (packet.ends_or_begins) {
		forget(way);
		return TC_ACT_UNSPEC;
	}
	if (bpf_ktime_get_coarse_ns() >= way->out_until_ns || packet.ip->ttl < LEAST_TTL || !fits(skb, way, &packet))
		return TC_ACT_UNSPEC;
	__u8 ecn = packet.ip->tos & ECN;
	__u64 flags = BPF_F_ADJ_ROOM_FIXED_GSO | BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 | BPF_F_ADJ_ROOM_ENCAP_L4_UDP |
		      BPF_F_ADJ_ROOM_ENCAP_L2(sizeof(struct ethhdr)) | BPF_F_ADJ_ROOM_ENCAP_L2_ETH;
	if (bpf_skb_adjust_room(skb, ADDED, BPF_ADJ_ROOM_MAC, flags))
		return TC_ACT_UNSPEC;
	start = (void *)(long)skb->data, end = (void *)(long)skb->data_end;
	struct around *around = start;
	if ((void *)(around + 1) > end)
		return TC_ACT_SHOT;
	__builtin_memcpy(around, &way->around, sizeof(*around));
	__u16 bytes = skb->len - sizeof(struct ethhdr);
	around->ip.tot_len = bpf_htons(bytes);
	around->ip.id = bpf_get_prandom_u32();
	around->ip.tos |= ecn;
	around->ip.check = checksum(&around->ip);
	around->udp.len = bpf_htons(bytes - sizeof(struct iphdr));
	return bpf_redirect(way->link_device, 0);
}

// The link, what leaves it: how a marked packet was sent is how the connection's next ones are.
SEC("tc")
int to_link(struct __sk_buff *skb)
{
	if (skb->mark != MARK)
		return TC_ACT_UNSPEC;
	skb->mark = 0;
	void *start = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct around *around = start;
	struct packet packet = {};
	if ((void *)(around + 1) > end || around->outer.h_proto != bpf_htons(ETH_P_IP) || around->ip.ihl != 5 ||
	    around->ip.protocol != IPPROTO_UDP || around->udp.check || around->vxlan[0] != bpf_htonl(VXLAN_FLAGS) ||
	    around->inner.h_proto != bpf_htons(ETH_P_IP) || read_inner(around + 1, end, &packet) || packet.ends_or_begins)
		return TC_ACT_UNSPEC;
	struct way way = {};
	struct way *before = bpf_map_lookup_elem(&ways, &packet.flow);
	if (before)
		__builtin_memcpy(&way, before, sizeof(way));
	way.link_mtu = 0;
	if (bpf_check_mtu(skb, skb->ifindex, &way.link_mtu, 0, 0) < 0)
		return TC_ACT_UNSPEC;
	way.out_until_ns = bpf_ktime_get_coarse_ns() + FRESH_NS;
	way.link_device = skb->ifindex;
	__builtin_memcpy(&way.around, around, sizeof(way.around));
	way.around.ip.tot_len = way.around.ip.id = way.around.ip.check = 0;
	way.around.ip.tos &= ~ECN;
	bpf_map_update_elem(&ways, &packet.flow, &way, BPF_ANY);
	return TC_ACT_UNSPEC;
}

// The link, what comes in: taken out of its headers and straight to the pod, if it came from where the pod's own packets go to.
SEC("tc")
int from_link(struct __sk_buff *skb)
{
	void *start = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct around *around = start;
	if (skb->protocol != bpf_htons(ETH_P_IP) || skb->len < AROUND + 28)
		return TC_ACT_UNSPEC;
	if ((void *)&around->vxlan <= end && around->ip.protocol != IPPROTO_UDP)
		return TC_ACT_UNSPEC;
	if ((__u8 *)start + AROUND + 40 > (__u8 *)end) {
		if (bpf_skb_pull_data(skb, skb->len < AROUND + 40 ? skb->len : AROUND + 40))
			return TC_ACT_UNSPEC;
		start = (void *)(long)skb->data, end = (void *)(long)skb->data_end;
		around = start;
	}
	struct packet packet = {};
	if ((void *)(around + 1) > end || around->ip.ihl != 5 || around->ip.protocol != IPPROTO_UDP ||
	    (around->ip.frag_off & bpf_htons(0x3fff)) || around->vxlan[0] != bpf_htonl(VXLAN_FLAGS) ||
	    (around->ip.tos & ECN) == CONGESTED || around->inner.h_proto != bpf_htons(ETH_P_IP) ||
	    read_inner(around + 1, end, &packet))
		return TC_ACT_UNSPEC;
	struct flow flow = answers(&packet.flow);
	struct way *way = bpf_map_lookup_elem(&ways, &flow);
	if (!way || around->ip.saddr != way->around.ip.daddr || around->ip.daddr != way->around.ip.saddr ||
	    around->udp.dest != way->around.udp.dest || around->vxlan[1] != way->around.vxlan[1] ||
	    skb->ifindex != way->link_device)
		return TC_ACT_UNSPEC;
	if (packet.ends_or_begins) {
		forget(way);
		return TC_ACT_UNSPEC;
	}
	if (bpf_ktime_get_coarse_ns() >= way->in_until_ns || packet.ip->ttl < LEAST_TTL)
		return TC_ACT_UNSPEC;
	if (bpf_skb_adjust_room(skb, -ADDED, BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_FIXED_GSO))
		return TC_ACT_UNSPEC;
	start = (void *)(long)skb->data, end = (void *)(long)skb->data_end;
	if ((__u8 *)start + sizeof(struct ethhdr) > (__u8 *)end)
		return TC_ACT_SHOT;
	__builtin_memcpy(start, way->pod_macs, sizeof(way->pod_macs));
	return bpf_redirect_peer(way->pod_device, 0);
}

// A pod's link, what comes to the pod by the long way: what the firewall let through and marked may come by the short one.
SEC("tc")
int to_pod(struct __sk_buff *skb)
{
	if (skb->mark != MARK)
		return TC_ACT_UNSPEC;
	void *start = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct ethhdr *ethernet = start;
	struct packet packet = {};
	if ((void *)(ethernet + 1) > end || ethernet->h_proto != bpf_htons(ETH_P_IP) ||
	    read_inner(ethernet + 1, end, &packet) || packet.ends_or_begins)
		return TC_ACT_UNSPEC;
	struct flow flow = answers(&packet.flow);
	struct way way = {};
	struct way *before = bpf_map_lookup_elem(&ways, &flow);
	if (before)
		__builtin_memcpy(&way, before, sizeof(way));
	__builtin_memcpy(way.pod_macs, ethernet, sizeof(way.pod_macs));
	way.pod_device = skb->ifindex;
	way.in_until_ns = bpf_ktime_get_coarse_ns() + FRESH_NS;
	bpf_map_update_elem(&ways, &flow, &way, BPF_ANY);
	return TC_ACT_UNSPEC;
}

char _license[] SEC("license") = "GPL";
