import type { ContainerLogs } from "../../agent/logs/container-logs.js";

/** Logs without files. */
export const noLogs: ContainerLogs = {
  path: ({ podUid }) => `/logs/${podUid}`,
  look: () => ({ sizeBytes: 0, inode: 0 }),
  writtenBytes: () => undefined,
  hold: async () => undefined,
  rotate: async () => undefined,
  makeLastWords: () => "/w",
  lastWords: () => "",
  tail: () => "",
  removeOldRuns: async () => undefined,
  pods: () => [],
  putAside: async () => undefined,
};
