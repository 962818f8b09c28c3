/** Bounds of the runs of containers. Part of LIMITS, which has the whole table. */
export const RUNTIME_LIMITS = {
  containerRestartFirstMs: { value: 1_000, why: "a crash loop starts slow enough to read" },
  containerRestartMaxMs: { value: 300_000, why: "as in Kubernetes: five minutes" },
  containerRestartResetMs: { value: 600_000, why: "a container that ran ten minutes starts its backoff anew" },
  steadyMs: {
    value: 2_000,
    why: "a pod that no probe asks has run this long before a roll-out takes an old one away for it; what ends for a wrong setting has ended by then. Times are whole seconds, so it may be half of this",
  },
  relistMs: { value: 2_000, why: "a monitor that was killed leaves no event; its container is noticed within this" },
  containerRecheckMs: { value: 250, why: "a create that another process began is looked at again this often" },
  stopAgainMs: { value: 2_000, why: "a stop that has not worked is tried again after this" },
  freezeWaitMs: {
    value: 2_000,
    why: "processes that do not stand still by then, as those that wait for a dead disk, go on",
  },
} as const;
