// Edge: reads what conmon and the runtime left on disk and in /proc.
import { existsSync, readdirSync, statSync } from "node:fs";
import { readText } from "../../../lib/read-text.js";
import { type ContainerKey, type ContainerState, containerId, type ObservedContainer } from "../runtime.js";
import { bundleFolder, type DriverPaths, exitFile, parseBundleName, runsFolder, runtimeState } from "./paths.js";

/** Names in a folder; none when there is no such folder. */
export function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

/** Every run of a pod that has left a trace. */
export function inspectPod(
  paths: DriverPaths,
  podUid: string,
  isBeingCreated: (key: ContainerKey) => boolean,
): readonly ObservedContainer[] {
  const keys = namesIn(runsFolder(paths, podUid)).flatMap((name) => parseBundleName(podUid, name) ?? []);
  return keys.map((key) => ({
    ...key,
    id: containerId(key),
    state: isBeingCreated(key) ? { is: "creating" } : inspectRun(paths, key),
  }));
}

/** What the machine shows of a run whose bundle exists. */
export function inspectRun(paths: DriverPaths, key: ContainerKey): ContainerState {
  const ended = exitState(paths, key);
  if (ended !== undefined) return ended;
  const bundle = bundleFolder(paths, key);
  const isWatched = monitorPid(paths, key) !== undefined;
  const startedAtMs = modifiedAtMs(`${bundle}/started`);
  // The monitor writes the exit before it ends: it may have done so since the first look.
  if (!isWatched) return exitState(paths, key) ?? { is: "broken", startedAtMs };
  const pid = readPid(`${bundle}/pid`);
  if (pid === undefined) return { is: "creating" };
  if (existsSync(`${runtimeState(paths, key)}/exec.fifo`)) return { is: "created", pid };
  return { is: "running", pid, startedAtMs: startedAtMs ?? modifiedAtMs(`${bundle}/pid`) ?? 0 };
}

function exitState(paths: DriverPaths, key: ContainerKey): ContainerState | undefined {
  const file = exitFile(paths, key);
  const finishedAtMs = modifiedAtMs(file);
  if (finishedAtMs === undefined) return undefined;
  const bundle = bundleFolder(paths, key);
  const startedAtMs = modifiedAtMs(`${bundle}/started`);
  if (startedAtMs === undefined && existsSync(`${runtimeState(paths, key)}/exec.fifo`))
    return { is: "broken", startedAtMs: undefined };
  const exitCode = Number.parseInt(readText(file), 10);
  const exit = Number.isNaN(exitCode)
    ? ({ is: "lost", finishedAtMs } as const)
    : ({ is: "code", exitCode, isOom: existsSync(`${bundle}/oom`), finishedAtMs } as const);
  return { is: "exited", startedAtMs: Math.min(startedAtMs ?? finishedAtMs, finishedAtMs), exit };
}

/** The living conmon of a run; its command line tells it from another process that got its number. */
export function monitorPid(paths: DriverPaths, key: ContainerKey): number | undefined {
  const pid = readPid(`${bundleFolder(paths, key)}/conmon.pid`);
  return pid !== undefined && isMonitorOf(pid, key) ? pid : undefined;
}

/** Whether the living process of that number is the run's conmon. */
export function isMonitorOf(pid: number, key: ContainerKey): boolean {
  return readText(`/proc/${pid}/cmdline`).includes(`\0${containerId(key)}\0`);
}

/** A run's conmon that had not yet said who it is, by its command line; looks through every process. */
export function findMonitor(key: ContainerKey): number | undefined {
  const pids = namesIn("/proc").filter((name) => /^\d+$/.test(name));
  const words = ["conmon", `\0${containerId(key)}\0`];
  const found = pids.find((pid) => {
    const command = readText(`/proc/${pid}/cmdline`);
    return words.every((word) => command.includes(word));
  });
  return found === undefined ? undefined : Number(found);
}

/** The run's first process, if it lives and is the monitor's child. */
export function livingPid(paths: DriverPaths, key: ContainerKey): number | undefined {
  const pid = readPid(`${bundleFolder(paths, key)}/pid`);
  if (pid === undefined) return undefined;
  const [state, parent] = readText(`/proc/${pid}/stat`).split(") ").at(-1)?.split(" ") ?? [];
  return state !== "Z" && parent !== undefined && Number(parent) === monitorPid(paths, key) ? pid : undefined;
}

/** Process id in a file; undefined when there is none. */
export function readPid(path: string): number | undefined {
  const pid = Number(readText(path));
  return Number.isInteger(pid) && pid > 1 ? pid : undefined;
}

function modifiedAtMs(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs;
}
