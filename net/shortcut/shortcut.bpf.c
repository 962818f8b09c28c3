// Packets of connections that stand go between a pod and the link without passing the host's tables each: docs/adr/0033.
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <linux/stddef.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

// Set by the table, on packets whose like may take the shortcut: SHORTCUT_MARK in shortcut-text.ts.
#define MARK 0xf6000000
// With it, on those that go as they are, without VXLAN, and on those of TCP whose target this host translates, as of services.
#define DIRECT 1
#define TO_TRANSLATED 2
// So long what a packet met on the long way holds for others. Tracking, policies, routes and the far host are asked that often.
#define FRESH_NS 500000000ULL
// While packets flow, copies of them ask: from so long before the end on, and not more often than in so many units of 1.05 ms (a nanosecond's clock without its last 20 bits).
#define ASK_BEFORE_NS 150000000ULL
#define ASK_UNIT_BITS 20
#define ASK_EACH 48
// In tc_index, which the stack leaves alone: tells a copy, which nobody is to get.
#define COPY 0xf6c0
#define MOST_FLOWS 32768
#define LEAST_TTL 3
#define VXLAN_FLAGS 0x08000000
#define ECN 3
#define CONGESTED 3
#define IPV4_FRAGMENT 0x3fff
#define IPV6_VERSION 6
#define PACKET_TO_HOST 0 // PACKET_HOST of linux/if_packet.h: sent to the link's own MAC.
// Of byte 13 of TCP's header: these begin and end connections, and are for those who track them.
#define TCP_FIN_SYN_RST 0x07
#define IPV6_FLOW 0x100
// Of kernels from 6.3 on; others refuse it, and IPv6 goes the long way in.
#define DECAP_L3_IPV6 (1ULL << 8)
// Of kernels from 6.16 on, and of others that were mended since: of packets that a card summed up the sum is kept right. Others refuse it.
#define CSUM_IPV6 (1ULL << 7)

#define AROUND 64 // Bytes before the inner IP header.
#define ADDED 50 // Of these, what a pod's own packet does not have.
#define TCP_CHECKSUM_AT 16 // From TCP's header on.
#define LEAST_INNER 28 // IPv4 and the first eight bytes of what is in it.
#define MOST_INNER_IPV4 40 // Of the inner headers, what is looked at: those of IP and TCP, without options.
#define MOST_INNER_IPV6 60

struct around {
	struct ethhdr outer;
	struct iphdr ip;
	struct udphdr udp;
	__be32 vxlan[2];
	struct ethhdr inner;
} __attribute__((packed, aligned(2)));

// A connection as this host's pod sends it. Addresses of IPv4 are the last of the four words; echoes of ICMP have their number for both ports.
struct flow {
	__be32 source[4], target[4];
	__be16 from_port, to_port;
	__u32 protocol; // With IPV6_FLOW, of IPv6.
};

// Until when packets of one direction may take the shortcut, unless everything is forgotten before.
struct fresh {
	__u64 until_ns;
	__u32 epoch;
	__u32 asked; // When a copy was sent the long way last, in its units.
};

// What a connection is for: packets as they are; those of a pod to a service; or finding these by what they become, and their answers bear.
enum kind { PLAIN, TO_SERVICE, BY_ENDPOINT };

// One end of a connection.
struct place {
	__be32 address[4];
	__be16 port;
	__u16 unused;
};

struct way {
	struct fresh out, in;
	__u32 kind;
	struct place endpoint; // Of TO_SERVICE: what packets are sent to instead.
	struct flow to_service; // Of BY_ENDPOINT: under what its TO_SERVICE is kept; all else of it is empty.
	__u32 pod_device; // The host's end of the pod's link.
	__u32 link_device;
	__u32 link_mtu;
	__u32 is_direct; // Without VXLAN: of what is around a packet, the outer Ethernet header alone.
	__u8 pod_macs[12]; // Receiver and sender, on the pod's link.
	struct around around;
	__u8 unused[4];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, MOST_FLOWS);
	__type(key, struct flow);
	__type(value, struct way);
} ways SEC(".maps");

// Whoever forbids something adds one: what was seen before counts no more.
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} epoch SEC(".maps");

// What a pod sent that goes the long way on this processor now, before the next does: of what is translated, what it was. Where somebody lets packets wait on the way, the sequence
// number tells that it is another.
struct sent {
	struct flow flow;
	__be32 sequence;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct sent);
} sent SEC(".maps");

// Where what is to be kept is put together: more than the stack has room for.
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct way);
} draft SEC(".maps");

struct packet {
	struct flow flow; // As the packet has it.
	__u32 header_bytes; // Of IP and what is in it.
	__be32 sequence; // Of TCP.
	__u8 ttl, ecn, ends_or_begins;
};

static __always_inline __u32 epoch_now(void)
{
	__u32 first = 0;
	__u32 *now = bpf_map_lookup_elem(&epoch, &first);
	return now ? *now : 0;
}

static __always_inline int is_fresh(const struct fresh *fresh)
{
	return bpf_ktime_get_coarse_ns() < fresh->until_ns && fresh->epoch == epoch_now();
}

// The long way takes longer: a connection's own packets would be overtaken there by those behind them, which TCP takes for loss. So copies go, before it has to be.
static __always_inline int is_to_ask(struct fresh *fresh)
{
	__u64 now = bpf_ktime_get_coarse_ns();
	__u32 unit = now >> ASK_UNIT_BITS;
	if (now + ASK_BEFORE_NS < fresh->until_ns || unit - fresh->asked < ASK_EACH)
		return 0;
	fresh->asked = unit;
	return 1;
}

// As if it came in again where it just did. Whoever calls it has to look for the packet's bytes anew.
static __always_inline void send_copy(struct __sk_buff *skb)
{
	skb->tc_index = COPY;
	bpf_clone_redirect(skb, skb->ifindex, BPF_F_INGRESS);
	skb->tc_index = 0;
}

static __always_inline int is_copy(const struct __sk_buff *skb)
{
	return skb->tc_index == COPY;
}

// Of a packet that has been learnt from, or not: a copy has come to its end.
static __always_inline int last_verdict(const struct __sk_buff *skb)
{
	return is_copy(skb) ? TC_ACT_STOLEN : TC_ACT_UNSPEC;
}

static __always_inline void refresh(struct fresh *fresh)
{
	fresh->until_ns = bpf_ktime_get_coarse_ns() + FRESH_NS;
	fresh->epoch = epoch_now();
}

// An empty one, until this processor's next.
static __always_inline struct way *new_draft(void)
{
	__u32 first = 0;
	struct way *way = bpf_map_lookup_elem(&draft, &first);
	if (way)
		__builtin_memset(way, 0, sizeof(*way));
	return way;
}

// The same with what is known of the flow's way.
static __always_inline struct way *draft_of(const struct flow *flow)
{
	struct way *way = new_draft(), *before = bpf_map_lookup_elem(&ways, flow);
	if (way && before)
		__builtin_memcpy(way, before, sizeof(*way));
	return way;
}

static __always_inline void forget(struct way *way)
{
	way->out.until_ns = 0;
	way->in.until_ns = 0;
}

static __always_inline int read_above(__u8 *above, void *end, __u8 protocol, struct packet *packet)
{
	__u32 ip_bytes = packet->flow.protocol & IPV6_FLOW ? sizeof(struct ipv6hdr) : sizeof(struct iphdr);
	if (above + 8 > (__u8 *)end)
		return -1;
	packet->flow.protocol |= protocol;
	packet->header_bytes = ip_bytes + 8;
	packet->ends_or_begins = 0;
	if (protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6) {
		int is_echo = protocol == IPPROTO_ICMP ? above[0] == 8 || above[0] == 0 : above[0] == 128 || above[0] == 129;
		if (!is_echo || above[1] != 0)
			return -1;
		packet->flow.from_port = packet->flow.to_port = *(__be16 *)(above + 4);
		return 0;
	}
	if (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP)
		return -1;
	packet->flow.from_port = *(__be16 *)above;
	packet->flow.to_port = *(__be16 *)(above + 2);
	if (protocol == IPPROTO_UDP)
		return 0;
	if (above + 20 > (__u8 *)end)
		return -1;
	packet->header_bytes = ip_bytes + (above[12] >> 4) * 4;
	packet->sequence = *(__be32 *)(above + 4);
	packet->ends_or_begins = above[13] & TCP_FIN_SYN_RST;
	return 0;
}

// What begins with an IP header; -1 for what has to go the long way whatever is known of it.
static __always_inline int read_packet(void *start, void *end, __be16 ethertype, struct packet *packet)
{
	if (ethertype == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip = start;
		if ((void *)(ip + 1) > end || ip->version != 4 || ip->ihl != 5 || (ip->frag_off & bpf_htons(IPV4_FRAGMENT)))
			return -1;
		packet->flow.source[3] = ip->saddr;
		packet->flow.target[3] = ip->daddr;
		packet->ttl = ip->ttl;
		packet->ecn = ip->tos & ECN;
		return read_above((void *)(ip + 1), end, ip->protocol, packet);
	}
	struct ipv6hdr *ip = start;
	if (ethertype != bpf_htons(ETH_P_IPV6) || (void *)(ip + 1) > end || ip->version != IPV6_VERSION)
		return -1;
	__builtin_memcpy(packet->flow.source, &ip->saddr, sizeof(packet->flow.source));
	__builtin_memcpy(packet->flow.target, &ip->daddr, sizeof(packet->flow.target));
	packet->flow.protocol = IPV6_FLOW;
	packet->ttl = ip->hop_limit;
	packet->ecn = (ip->flow_lbl[0] >> 4) & ECN;
	return read_above((void *)(ip + 1), end, ip->nexthdr, packet);
}

static __always_inline void read_answers(const struct flow *flow, struct flow *other)
{
	__builtin_memcpy(other->source, flow->target, sizeof(other->source));
	__builtin_memcpy(other->target, flow->source, sizeof(other->target));
	other->from_port = flow->to_port;
	other->to_port = flow->from_port;
	other->protocol = flow->protocol;
}

static __always_inline int fits(struct __sk_buff *skb, const struct way *way, const struct packet *packet)
{
	__u32 added = way->is_direct ? 0 : ADDED;
	__u32 bytes = skb->len - sizeof(struct ethhdr) + added;
	if (skb->gso_size == 0)
		return bytes <= way->link_mtu;
	return bytes <= 0xffff && skb->gso_size + packet->header_bytes + added <= way->link_mtu;
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

// True when it is done; of a packet that is left as it was, -1; else it is spoilt.
enum { DONE = 1, AS_IT_WAS = -1, SPOILT = 0 };

static __always_inline int wrap(struct __sk_buff *skb, const struct way *way, __u8 ecn)
{
	__u64 flags = BPF_F_ADJ_ROOM_FIXED_GSO | BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 | BPF_F_ADJ_ROOM_ENCAP_L4_UDP |
		      BPF_F_ADJ_ROOM_ENCAP_L2(sizeof(struct ethhdr)) | BPF_F_ADJ_ROOM_ENCAP_L2_ETH;
	if (bpf_skb_adjust_room(skb, ADDED, BPF_ADJ_ROOM_MAC, flags))
		return AS_IT_WAS;
	struct around *around = (void *)(long)skb->data;
	if ((void *)(around + 1) > (void *)(long)skb->data_end)
		return SPOILT;
	__builtin_memcpy(around, &way->around, sizeof(*around));
	__u16 bytes = skb->len - sizeof(struct ethhdr);
	around->ip.tot_len = bpf_htons(bytes);
	around->ip.id = bpf_get_prandom_u32();
	around->ip.tos |= ecn;
	around->ip.check = checksum(&around->ip);
	around->udp.len = bpf_htons(bytes - sizeof(struct iphdr));
	return DONE;
}

// Which end of a packet is another than the pod knows.
enum side { SOURCE, TARGET };

// Puts another address and port into a packet of TCP whose IP header begins at `at`.
static __always_inline int replace(struct __sk_buff *skb, __u32 at, enum side side, const struct place *old, const struct place *now, int is_ipv6)
{
	__u32 tcp = at + (is_ipv6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr));
	__u32 port = tcp + (side == SOURCE ? offsetof(struct tcphdr, source) : offsetof(struct tcphdr, dest));
	__s64 sum = bpf_csum_diff((__be32 *)old->address, sizeof(old->address), (__be32 *)now->address, sizeof(now->address), 0);
	if (bpf_l4_csum_replace(skb, tcp + TCP_CHECKSUM_AT, 0, sum, BPF_F_PSEUDO_HDR | (is_ipv6 ? CSUM_IPV6 : 0)))
		return AS_IT_WAS;
	if (bpf_l4_csum_replace(skb, tcp + TCP_CHECKSUM_AT, old->port, now->port, sizeof(now->port)) ||
	    bpf_skb_store_bytes(skb, port, &now->port, sizeof(now->port), 0))
		return SPOILT;
	if (is_ipv6) {
		__u32 address = at + (side == SOURCE ? offsetof(struct ipv6hdr, saddr) : offsetof(struct ipv6hdr, daddr));
		return bpf_skb_store_bytes(skb, address, now->address, sizeof(now->address), 0) ? SPOILT : DONE;
	}
	__u32 address = at + (side == SOURCE ? offsetof(struct iphdr, saddr) : offsetof(struct iphdr, daddr));
	if (bpf_l3_csum_replace(skb, at + offsetof(struct iphdr, check), 0, sum, 0) ||
	    bpf_skb_store_bytes(skb, address, &now->address[3], sizeof(now->address[3]), 0))
		return SPOILT;
	return DONE;
}

static __always_inline struct place target_of(const struct flow *flow)
{
	struct place place = { .port = flow->to_port };
	__builtin_memcpy(place.address, flow->target, sizeof(place.address));
	return place;
}

static __always_inline struct place source_of(const struct flow *flow)
{
	struct place place = { .port = flow->from_port };
	__builtin_memcpy(place.address, flow->source, sizeof(place.address));
	return place;
}

static __always_inline int is_ipv6(const struct flow *flow)
{
	return flow->protocol & IPV6_FLOW;
}

static __always_inline int is_tcp(const struct flow *flow)
{
	return (flow->protocol & ~IPV6_FLOW) == IPPROTO_TCP;
}

static __always_inline int is_same_place(const struct place *one, const struct place *other)
{
	return one->port == other->port && one->address[0] == other->address[0] && one->address[1] == other->address[1] &&
	       one->address[2] == other->address[2] && one->address[3] == other->address[3];
}

// Goes the long way, and may be translated there.
static __always_inline int the_long_way(const struct packet *packet)
{
	__u32 first = 0;
	struct sent *noted = bpf_map_lookup_elem(&sent, &first);
	if (noted && is_tcp(&packet->flow)) {
		__builtin_memcpy(&noted->flow, &packet->flow, sizeof(noted->flow));
		noted->sequence = packet->sequence;
	}
	return TC_ACT_UNSPEC;
}

// Of what a pod sends, what the way leads elsewhere.
static __always_inline int lead_to_endpoint(struct __sk_buff *skb, const struct way *way, const struct flow *flow)
{
	if (way->kind != TO_SERVICE)
		return DONE;
	struct place service = target_of(flow);
	return replace(skb, sizeof(struct ethhdr), TARGET, &service, &way->endpoint, is_ipv6(flow));
}

// To the link without VXLAN.
static __always_inline int as_it_is(struct __sk_buff *skb, const struct way *way)
{
	struct ethhdr *ethernet = (void *)(long)skb->data;
	if ((void *)(ethernet + 1) > (void *)(long)skb->data_end)
		return TC_ACT_SHOT;
	__builtin_memcpy(ethernet, &way->around.outer, sizeof(ethernet->h_dest) + sizeof(ethernet->h_source));
	return bpf_redirect(way->link_device, 0);
}

// A pod's link, what the pod sends: put into the headers that the last packet of the connection had, and straight to the link.
SEC("tc")
int from_pod(struct __sk_buff *skb)
{
	void *start = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct ethhdr *ethernet = start;
	struct packet packet = {};
	if ((void *)(ethernet + 1) > end || read_packet(ethernet + 1, end, ethernet->h_proto, &packet))
		return TC_ACT_UNSPEC;
	struct way *way = bpf_map_lookup_elem(&ways, &packet.flow);
	if (is_copy(skb) || !way || way->pod_device != skb->ifindex)
		return the_long_way(&packet);
	if (packet.ends_or_begins)
		forget(way);
	if (!is_fresh(&way->out) || packet.ttl < LEAST_TTL || !fits(skb, way, &packet))
		return the_long_way(&packet);
	if (is_to_ask(&way->out))
		send_copy(skb);
	int result = lead_to_endpoint(skb, way, &packet.flow);
	if (result == AS_IT_WAS)
		return the_long_way(&packet);
	if (result == DONE && way->is_direct)
		return as_it_is(skb, way);
	return result == DONE && wrap(skb, way, packet.ecn) == DONE ? bpf_redirect(way->link_device, 0) : TC_ACT_SHOT;
}

static __always_inline int read_wrapped(struct around *around, void *end, struct packet *packet)
{
	if ((void *)(around + 1) > end || around->outer.h_proto != bpf_htons(ETH_P_IP) || around->ip.ihl != 5 ||
	    around->ip.protocol != IPPROTO_UDP || (around->ip.frag_off & bpf_htons(IPV4_FRAGMENT)) ||
	    around->vxlan[0] != bpf_htonl(VXLAN_FLAGS))
		return -1;
	return read_packet(around + 1, end, around->inner.h_proto, packet);
}

// What the pod sent, of a packet that was translated on its way here; found from now on by what its answers bear.
static __always_inline int learn_service(const struct packet *packet, struct flow *flow)
{
	__u32 first = 0;
	struct sent *noted = bpf_map_lookup_elem(&sent, &first);
	if (!noted || !is_tcp(&packet->flow) || noted->flow.protocol != packet->flow.protocol || noted->sequence != packet->sequence)
		return -1;
	struct place sender = source_of(&packet->flow), noted_sender = source_of(&noted->flow);
	if (!is_same_place(&sender, &noted_sender))
		return -1;
	__builtin_memcpy(flow, &noted->flow, sizeof(*flow));
	noted->flow.protocol = 0;
	struct way *by_endpoint = new_draft();
	if (!by_endpoint)
		return -1;
	by_endpoint->kind = BY_ENDPOINT;
	__builtin_memcpy(&by_endpoint->to_service, flow, sizeof(*flow));
	return bpf_map_update_elem(&ways, &packet->flow, by_endpoint, BPF_ANY);
}

// How a marked packet was sent is how the connection's next ones are.
static __always_inline void learn_way_out(struct __sk_buff *skb)
{
	__u32 is_direct = skb->mark & DIRECT, is_to_service = skb->mark & TO_TRANSLATED;
	if ((skb->mark & ~(DIRECT | TO_TRANSLATED)) != MARK)
		return;
	skb->mark = 0;
	void *start = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct around *around = start;
	struct ethhdr *ethernet = start;
	struct packet packet = {};
	if ((void *)(ethernet + 1) > end)
		return;
	if (is_direct ? read_packet(ethernet + 1, end, ethernet->h_proto, &packet) : read_wrapped(around, end, &packet))
		return;
	if (packet.ends_or_begins)
		return;
	struct flow flow = packet.flow;
	if (is_to_service && learn_service(&packet, &flow))
		return;
	struct way *way = draft_of(&flow);
	if (!way)
		return;
	way->kind = is_to_service ? TO_SERVICE : PLAIN;
	way->endpoint = target_of(&packet.flow);
	way->link_mtu = 0;
	if (bpf_check_mtu(skb, skb->ifindex, &way->link_mtu, 0, 0) < 0)
		return;
	way->link_device = skb->ifindex;
	way->is_direct = is_direct;
	__builtin_memcpy(&way->around.outer, ethernet, sizeof(*ethernet));
	if (!is_direct) {
		if ((void *)(around + 1) > end || around->udp.check)
			return;
		__builtin_memcpy(&way->around, around, sizeof(*around));
		way->around.ip.tot_len = way->around.ip.id = way->around.ip.check = 0;
		way->around.ip.tos &= ~ECN;
	}
	refresh(&way->out);
	bpf_map_update_elem(&ways, &flow, way, BPF_ANY);
}

// The link, what leaves it.
SEC("tc")
int to_link(struct __sk_buff *skb)
{
	learn_way_out(skb);
	return last_verdict(skb);
}

// What came by the link, headers of the link apart, to its pod.
static __always_inline int to_its_pod(struct __sk_buff *skb, const struct way *way, __be16 ethertype)
{
	struct ethhdr *ethernet = (void *)(long)skb->data;
	if ((void *)(ethernet + 1) > (void *)(long)skb->data_end)
		return TC_ACT_SHOT;
	__builtin_memcpy(ethernet, way->pod_macs, sizeof(way->pod_macs));
	ethernet->h_proto = ethertype;
	return bpf_redirect_peer(way->pod_device, 0);
}

// True when the way may be taken by a packet that was read; ends it when the packet does.
static __always_inline int may_come_in(struct __sk_buff *skb, struct way *way, const struct packet *packet)
{
	if (skb->ifindex != way->link_device || skb->vlan_present || skb->pkt_type != PACKET_TO_HOST)
		return 0;
	if (packet->ends_or_begins)
		forget(way);
	if (!is_fresh(&way->in) || packet->ttl < LEAST_TTL)
		return 0;
	if (is_to_ask(&way->in))
		send_copy(skb);
	return 1;
}

// The way by which what it answers goes out; for what a service's endpoint sends, `flow` becomes what the pod knows.
static __always_inline struct way *way_of_answers(const struct packet *packet, struct flow *flow)
{
	read_answers(&packet->flow, flow);
	struct way *way = bpf_map_lookup_elem(&ways, flow);
	if (!way || way->kind != BY_ENDPOINT)
		return way;
	struct place endpoint = target_of(flow);
	*flow = way->to_service;
	way = bpf_map_lookup_elem(&ways, flow);
	return way && way->kind == TO_SERVICE && is_same_place(&way->endpoint, &endpoint) ? way : 0;
}

// Of what comes to a pod, `at` where its IP header begins, what it takes for a service's.
static __always_inline int lead_back(struct __sk_buff *skb, __u32 at, const struct way *way, const struct flow *flow)
{
	if (way->kind != TO_SERVICE)
		return DONE;
	struct place service = target_of(flow);
	return replace(skb, at, SOURCE, &way->endpoint, &service, is_ipv6(flow));
}

static __always_inline int wrapped_to_pod(struct __sk_buff *skb)
{
	struct around *around = (void *)(long)skb->data;
	struct packet packet = {};
	struct flow flow = {};
	if (read_wrapped(around, (void *)(long)skb->data_end, &packet) || (around->ip.tos & ECN) == CONGESTED)
		return TC_ACT_UNSPEC;
	__be16 ethertype = around->inner.h_proto;
	struct way *way = way_of_answers(&packet, &flow);
	if (!way || way->is_direct || around->ip.saddr != way->around.ip.daddr || around->ip.daddr != way->around.ip.saddr ||
	    around->udp.dest != way->around.udp.dest || around->vxlan[1] != way->around.vxlan[1] ||
	    !may_come_in(skb, way, &packet))
		return TC_ACT_UNSPEC;
	int result = lead_back(skb, AROUND, way, &flow);
	if (result != DONE)
		return result == AS_IT_WAS ? TC_ACT_UNSPEC : TC_ACT_SHOT;
	__u64 flags = BPF_F_ADJ_ROOM_FIXED_GSO | (ethertype == bpf_htons(ETH_P_IPV6) ? DECAP_L3_IPV6 : 0);
	if (bpf_skb_adjust_room(skb, -ADDED, BPF_ADJ_ROOM_MAC, flags))
		return way->kind == TO_SERVICE ? TC_ACT_SHOT : TC_ACT_UNSPEC;
	return to_its_pod(skb, way, ethertype);
}

static __always_inline int is_wrapped(struct __sk_buff *skb)
{
	struct around *around = (void *)(long)skb->data;
	if (skb->protocol != bpf_htons(ETH_P_IP) || skb->len < AROUND + LEAST_INNER)
		return 0;
	if ((void *)&around->vxlan > (void *)(long)skb->data_end)
		return 1; // To be pulled before that is known.
	return around->ip.protocol == IPPROTO_UDP;
}

// What is in one piece already is not asked for: to pull is to copy, since TCP keeps what it sent. A function of its own: inlined, the compiler keeps halves of pointers, which the kernel refuses.
static __noinline int pull_to(struct __sk_buff *skb, __u32 bytes)
{
	if ((void *)(long)skb->data + bytes <= (void *)(long)skb->data_end)
		return 0;
	return bpf_skb_pull_data(skb, skb->len < bytes ? skb->len : bytes);
}

// Has the headers that are looked at in one piece: the `before` bytes ahead of an IP header, and those behind them.
static __always_inline int pull(struct __sk_buff *skb, __u32 before)
{
	if (pull_to(skb, before + MOST_INNER_IPV4))
		return -1;
	struct ethhdr *last = (void *)(long)skb->data + before - sizeof(struct ethhdr);
	if ((void *)(last + 1) > (void *)(long)skb->data_end || last->h_proto != bpf_htons(ETH_P_IPV6))
		return 0;
	return pull_to(skb, before + MOST_INNER_IPV6);
}

// The link, what comes in: taken out of its headers and straight to the pod, if it came from where the pod's own packets go to.
SEC("tc")
int from_link(struct __sk_buff *skb)
{
	if (is_copy(skb) || !is_wrapped(skb) || pull(skb, AROUND))
		return TC_ACT_UNSPEC;
	return wrapped_to_pod(skb);
}

// The same where hosts of one link send each other pods' packets as they are.
SEC("tc")
int from_direct_link(struct __sk_buff *skb)
{
	if (is_copy(skb) || pull(skb, sizeof(struct ethhdr)))
		return TC_ACT_UNSPEC;
	if (is_wrapped(skb)) {
		int verdict = pull(skb, AROUND) ? TC_ACT_UNSPEC : wrapped_to_pod(skb);
		if (verdict != TC_ACT_UNSPEC)
			return verdict;
	}
	struct ethhdr *ethernet = (void *)(long)skb->data;
	void *end = (void *)(long)skb->data_end;
	struct packet packet = {};
	struct flow flow = {};
	if ((void *)(ethernet + 1) > end || read_packet(ethernet + 1, end, ethernet->h_proto, &packet))
		return TC_ACT_UNSPEC;
	struct way *way = way_of_answers(&packet, &flow);
	__be16 ethertype = ethernet->h_proto;
	if (!way || !way->is_direct || !may_come_in(skb, way, &packet))
		return TC_ACT_UNSPEC;
	int result = lead_back(skb, sizeof(struct ethhdr), way, &flow);
	if (result != DONE)
		return result == AS_IT_WAS ? TC_ACT_UNSPEC : TC_ACT_SHOT;
	return to_its_pod(skb, way, ethertype);
}

// What the firewall let through and marked may come by the short way.
static __always_inline void learn_way_in(struct __sk_buff *skb)
{
	if (skb->mark != MARK)
		return;
	void *start = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct ethhdr *ethernet = start;
	struct packet packet = {};
	struct flow flow = {};
	if ((void *)(ethernet + 1) > end || read_packet(ethernet + 1, end, ethernet->h_proto, &packet) || packet.ends_or_begins)
		return;
	read_answers(&packet.flow, &flow);
	struct way *way = draft_of(&flow);
	if (!way)
		return;
	if (way->kind == BY_ENDPOINT)
		way->kind = PLAIN;
	__builtin_memcpy(way->pod_macs, ethernet, sizeof(way->pod_macs));
	way->pod_device = skb->ifindex;
	refresh(&way->in);
	bpf_map_update_elem(&ways, &flow, way, BPF_ANY);
}

// A pod's link, what comes to the pod by the long way.
SEC("tc")
int to_pod(struct __sk_buff *skb)
{
	learn_way_in(skb);
	return last_verdict(skb);
}

char _license[] SEC("license") = "GPL";
