import type { ContainerLogs } from "./container-logs.js";
import { logPath } from "./log-path.js";
import { removePodLogs } from "./rotate.js";

/** Logs below `dataDir`/logs, a folder per pod, a folder per container in it, a file per run. */
export function openLogFiles(dataDir: string): ContainerLogs {
  return { path: (run) => logPath(dataDir, run), remove: (podUid) => removePodLogs(dataDir, podUid) };
}
