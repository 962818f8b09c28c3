/** Bounds of networks beside the cluster's own. Part of LIMITS, which has the whole table. */
export const NETWORK_LIMITS = {
  networkShareWaitMs: {
    value: 5_000,
    why: "a pod waits this long for its node's share of a network before its user is told; the leader gives it with the pod",
  },
} as const;
