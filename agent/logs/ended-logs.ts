// Edge: logs of pods that are gone from the node.
import { mkdirSync, readdirSync, renameSync, statSync, utimesSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { limit } from "../../lib/limits.js";
import { removeFolder } from "../remove-folder.js";
import { type LogKey, podLogFolder } from "./log-path.js";

const folderOf = (dataDir: string): string => join(dataDir, "ended-logs");

/** Puts a pod's logs aside: they stay readable for limits.endedLogsMs, while there is room. Nothing when it has none. */
export async function putAside(dataDir: string, podUid: string, nowMs: number): Promise<void> {
  mkdirSync(folderOf(dataDir), { recursive: true, mode: 0o700 });
  const target = join(folderOf(dataDir), podUid);
  await removeFolder(target);
  try {
    renameSync(podLogFolder(dataDir, podUid), target);
    utimesSync(target, nowMs / 1000, nowMs / 1000);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
  }
}

/** The last run of a container of a pod that is gone, or the one before it; undefined when its log is not here any more. */
export function endedRun(
  dataDir: string,
  {
    podUid,
    container,
    isPrevious,
  }: { readonly podUid: string; readonly container: string; readonly isPrevious: boolean },
): { readonly key: LogKey; readonly path: string } | undefined {
  const folder = join(folderOf(dataDir), podUid, container);
  const attempts = namesIn(folder).flatMap((name) => /^(\d+)\.log$/.exec(name)?.[1] ?? []);
  const sorted = attempts.map(Number).sort((left, right) => right - left);
  const attempt = sorted[isPrevious ? 1 : 0];
  if (attempt === undefined) return undefined;
  return { key: { podUid, container, attempt }, path: join(folder, `${attempt}.log`) };
}

/** Removes what has been aside long enough, and the oldest of what is left until no more than `mostBytes` are kept; returns the bytes kept. */
export async function sweepEnded(dataDir: string, nowMs: number, mostBytes = limit("endedLogsBytes")): Promise<number> {
  const pods = namesIn(folderOf(dataDir)).map((name) => {
    const path = join(folderOf(dataDir), name);
    return { path, endedAtMs: statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0 };
  });
  let keptBytes = 0;
  for (const { path, endedAtMs } of pods.sort((left, right) => right.endedAtMs - left.endedAtMs)) {
    const bytes = await sizeOf(path);
    const isKept = nowMs - endedAtMs <= limit("endedLogsMs") && keptBytes + bytes <= mostBytes;
    if (isKept) keptBytes += bytes;
    else await removeFolder(path);
  }
  return keptBytes;
}

async function sizeOf(folder: string): Promise<number> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true }).catch(() => []);
  const sizes = entries.map((entry) =>
    entry.isFile()
      ? (statSync(join(entry.parentPath ?? entry.path, entry.name), { throwIfNoEntry: false })?.size ?? 0)
      : 0,
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // Nothing was put aside yet.
  }
}
