// Edge: the folder of logs.
import { readdirSync } from "node:fs";
import type { ContainerLogs } from "./container-logs.js";
import { putAside } from "./ended-logs.js";
import { logTail, makeLastWords, readLastWords } from "./last-words-file.js";
import { type LogKey, logPath } from "./log-path.js";
import { holdLog, lookAt, removeOldRuns, rotateLog } from "./rotate.js";
import { writtenBytesAt } from "./written-bytes.js";

/** Logs below `dataDir`/logs, a folder per pod, a folder per container in it, a file per run. */
export function openLogFiles(dataDir: string): ContainerLogs {
  // Quiet logs are looked at twice a second, for as long as they live.
  const paths = new WeakMap<LogKey, string>();
  const pathOf = (run: LogKey): string => {
    const path = paths.get(run) ?? logPath(dataDir, run);
    paths.set(run, path);
    return path;
  };
  return {
    path: (run) => logPath(dataDir, run),
    look: (run) => lookAt(pathOf(run)),
    writtenBytes: writtenBytesAt(dataDir),
    hold: (run) => holdLog(dataDir, run),
    rotate: (run, reopen) => rotateLog(dataDir, run, reopen),
    makeLastWords: (run) => makeLastWords(dataDir, run),
    lastWords: (run, bytes) => readLastWords(dataDir, run, bytes),
    tail: (run, bytes) => logTail(dataDir, run, bytes),
    removeOldRuns: (run) => removeOldRuns(dataDir, run),
    pods: () => namesIn(`${dataDir}/logs`),
    putAside: (podUid, nowMs) => putAside(dataDir, podUid, nowMs),
  };
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // Nothing was logged yet.
  }
}
