/** Bounds of what nodes do to find out about their network. Part of LIMITS, which has the whole table. */
export const HEALTH_LIMITS = {
  probeEveryMs: {
    value: 10_000,
    why: "six looks at a peer before a fault must have a name; costs 0.1 percent of a core",
  },
  probeCloserMs: { value: 1_000, why: "a peer that did not answer is asked this often until it is known why" },
  probeCloserForMs: {
    value: 20_000,
    why: "and for this long after its last missing answer; then loss is known to a few percent",
  },
  probePeers: {
    value: 32,
    why: "peers that a node asks everything in one round; of more, others in the next, and all briefly within a sweep",
  },
  probeNeighbours: { value: 4, why: "peers that are in every round, so that each node is looked at all the time" },
  probeSweepRounds: {
    value: 4,
    why: "rounds in which every peer of up to a thousand is asked briefly: what is amiss is named within a minute",
  },
  probeBriefPeers: {
    value: 256,
    why: "peers that are asked briefly in one round: a thousand within a sweep. Of more, each waits longer, ten thousand seven minutes; else every node would send ten thousand nodes' packets",
  },
  probeCloserPeers: {
    value: 16,
    why: "peers that are looked at closely at a time; a fault of this host is seen at any",
  },
  probeNetworkWays: {
    value: 125,
    why: "ways by networks beside the cluster's own that a node asks in a round: 500 of them within a sweep. Of more, each waits longer",
  },
  probeTimeoutMs: { value: 1_000, why: "a packet that has not come back by then counts as lost, until it does" },
  probeLateMs: {
    value: 5_000,
    why: "an agent that is held up answers late; only after this a packet counts for the share of lost ones",
  },
  probeWindowMs: { value: 60_000, why: "loss is told of the last minute" },
  probeSamples: { value: 128, why: "probes of one kind that a peer's record keeps; a minute of looking closely" },
  probeDeadCount: { value: 5, why: "unanswered in a row before nothing is said to pass" },
  probeDeadMs: { value: 5_000, why: "and over this long: a host that restarts its network is no fault" },
  probeLossCount: { value: 40, why: "packets without which no share of lost ones is named" },
  probeTcpMs: { value: 30_000, why: "a connection costs ten times what a packet does" },
  probeTcpBytes: { value: 4_096, why: "more than one packet carries, so that full ones are sent" },
  probeConnections: { value: 128, why: "connections of peers' probes open at once; two of each that probes" },
  probeAnswersPerSecond: { value: 200, why: "answers to one peer; it asks for 20 when it looks closely" },
  probeEvidenceMs: { value: 15_000, why: "what is asked of the kernel about a silent peer holds this long" },
  probeClockSkewMs: {
    value: 1_000,
    why: "hosts' clocks that agree less make times in statuses and logs hard to compare",
  },
  probeDnsMs: { value: 15_000, why: "name servers are asked this often; three times in vain is a fault" },
  healthReportMs: { value: 60_000, why: "what a node measured is with the leader this often; faults are at once" },
  healthEvents: { value: 10, why: "faults told one by one when many begin together; the rest as a number" },
  addressLookMs: {
    value: 500,
    why: "how often the agent looks whether its host still has its address; a look takes some 0.1 ms",
  },
  addressesListMs: { value: 30_000, why: "listing all addresses of a host with hundreds of devices takes 10 ms" },
  addressNewMs: {
    value: 250,
    why: "where the host has got another address this soon after its own was gone, that one is meant to stay",
  },
  addressGoneMs: {
    value: 3_000,
    why: "an address that is away this long is gone: a device that is made anew has it back by then",
  },
  remedyLeastMtu: { value: 576, why: "what every host must take; a path that passes less has no working overlay" },
} as const satisfies Record<string, { value: number; why: string }>;
