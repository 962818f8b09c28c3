/** Bounds of what a node does when its memory, disk or process ids run out. Part of LIMITS, which has the whole table. */
export const PRESSURE_LIMITS = {
  processLookMs: {
    value: 10_000,
    why: "a look is a few small reads per pod; who forks without end is held by its bound meanwhile",
  },
  pressureLookMs: { value: 1_000, why: "a look is four small reads; a disk that fills at 1 GB/s is seen in time" },
  pressureSettleMs: {
    value: 30_000,
    why: "what was evicted has this long to give back what it held before the next pod goes, as in Kubernetes",
  },
  pressureReclaimEveryMs: {
    value: 10_000,
    why: "while the disk stays too full, unused images are looked for so often at most",
  },
  evictionGraceMs: { value: 1_000, why: "a pod evicted at a hard threshold is killed after this, as in Kubernetes" },
  storageLookFirstMs: { value: 10_000, why: "pods with bounds on what they may store are measured so often at most" },
  storageLookMaxMs: { value: 300_000, why: "and at least so often, however long measuring takes" },
  storageLookShare: { value: 50, why: "measuring takes one part in so many of a core at most" },
  endedLogsMs: { value: 600_000, why: "what a deleted pod wrote, and how it ended, stays readable for ten minutes" },
  endedLogsBytes: {
    value: 536_870_912,
    why: "and takes this much of a node's disk at most; none when the disk is full",
  },
  endedLogsSweepMs: { value: 60_000, why: "how often what was kept long enough is removed" },
  departedPods: { value: 2_000, why: "deleted pods that a replica remembers; a few kilobytes each" },
  storagePathsPerJob: {
    value: 100,
    why: "folders measured by one process: its answer fits into what is read of a job",
  },
} as const;
