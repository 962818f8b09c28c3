/** Bounds of networks beside the cluster's own. Part of LIMITS, which has the whole table. */
export const NETWORK_LIMITS = {
  networkShareWaitMs: {
    value: 5_000,
    why: "a pod waits this long for its node's share of a network before its user is told; the leader gives it with the pod",
  },
  netLookMs: {
    value: 500,
    why: "what one look at the network's tables found serves all parts of a check for so long, unless something is changed; no part uses it twice",
  },
  dnsUpstreamRestMs: {
    value: 10_000,
    why: "a name server that was silent is asked after all others for so long: one question in ten seconds waits for it",
  },
  netCheckPeerEntryMs: {
    value: 6,
    why: "reading an entry of a peer costs some 8 us, a pod's link twelve times that: of 500 peers what somebody deletes is back within half a minute",
  },
  healthCheckConnections: {
    value: 100,
    why: "connections of load balancers to a service's port at once; anybody on the link may ask",
  },
  doorConnections: {
    value: 1_000,
    why: "connections at once by a host port of ::1; each is a process of 2 MB while it lasts",
  },
  ingressTrials: {
    value: 200,
    why: "configurations that are tried to find the ingresses that the proxy refuses; 40 ms each, and no ingress changes meanwhile",
  },
  nodeAddresses: {
    value: 32,
    why: "addresses of each family that a node tells of its host: of those of IPv6 that change by themselves a host has a week's",
  },
  tunnelKeyMs: { value: 2_592_000_000, why: "keys of encrypted tunnels are changed after 30 days" },
  tunnelOverlapMs: {
    value: 600_000,
    why: "the key before is kept this long, so that every node has come to the new one; it goes when all have",
  },
  readdressCalls: { value: 16, why: "nodes that a control plane which has moved tells at once" },
  shortcutAttachMs: {
    value: 500,
    why: "links of pods made within this get the shortcut's programs together: a process for all; their first packets go the long way",
  },
  shortcutLookMs: {
    value: 60_000,
    why: "programs that somebody took off a device are back within this; until then its packets go the long way",
  },
} as const;
