/** Bounds of builds of images on nodes. Part of LIMITS, which has the whole table. */
export const BUILD_LIMITS = {
  buildsPerNode: { value: 2, why: "builds at once on a node; more wait for their turn" },
  buildDockerfileBytes: { value: 1_048_576, why: "largest Dockerfile or .dockerignore; both are read whole" },
  buildContextBytes: {
    value: 10_737_418_240,
    why: "largest context of a build, so that one cannot fill a node's disk",
  },
  buildSecretBytes: { value: 512_000, why: "largest secret of a build, as BuildKit has it" },
  buildSecrets: { value: 64, why: "secrets, and base images, of one build" },
  buildMemoryPercent: { value: 50, why: "memory that all builds of a node may take together" },
  buildProcesses: { value: 4_096, why: "processes of all builds of a node; stops fork bombs" },
  buildCacheDiskPercent: {
    value: 85,
    why: "a build that finds the disk fuller first drops all layers that earlier builds left",
  },
} as const;
