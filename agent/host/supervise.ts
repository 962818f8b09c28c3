// Edge: processes of the host.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { HostConfig } from "../../lib/host-config.js";
import type { HostPaths } from "../../lib/host-paths.js";
import { limit } from "../../lib/limits.js";
import { systemClock } from "../../lib/system-clock.js";
import { type DaemonCommand, superviseScript } from "./supervise-script.js";

/** How this host's daemons are called. */
export interface DaemonProgram {
  /** Path of bin/tallshipd. */
  readonly path: string;
  /** The folder options, to be repeated for each daemon. */
  readonly options: readonly string[];
}

/** Names of a host's daemons, in order of their start. */
export function daemonNames(host: HostConfig): readonly string[] {
  return host.isControlPlane ? ["controlplane", "agent", "dns"] : ["agent", "dns"];
}

/**
 * Words for Node. What an agent makes in a burst - hundreds of pods at once - is garbage a moment later: with V8's own bound of 16 MiB for what is young, three times over, it kept
 * tens of megabytes that were never used again.
 */
const SMALL_YOUNG_SPACE = "--max-semi-space-size=2";

/**
 * Work comes to a daemon in bursts of a second or two. By V8's own budget (67,584 bytes of bytecode run by a function) its optimizing compiler took a tenth of the processor time in which
 * 100 pods start, for code that was hot no longer when it was ready; what is hot for good, such as a flood of log lines, reaches six times that within milliseconds.
 */
const LATE_OPTIMIZER = "--interrupt-budget=400000";

/** The daemons of a host, in order of their start. */
export function daemonsOf(host: HostConfig, program: DaemonProgram): readonly DaemonCommand[] {
  return daemonNames(host).map((name) => ({
    name,
    command: [
      process.execPath,
      ...(name === "controlplane" ? [] : [SMALL_YOUNG_SPACE]),
      LATE_OPTIMIZER,
      program.path,
      name,
      ...program.options,
    ],
  }));
}

/** Starts the supervisor in the background, unless one runs; it starts what does not run. */
export function startSupervisor(host: HostConfig, paths: HostPaths, program: DaemonProgram): void {
  const child = spawn(shell(), superviseArguments(host, paths, program), { detached: true, stdio: "ignore", cwd: "/" });
  child.unref();
}

/** Runs the supervisor in the foreground until it ends, and passes signals on. Returns its exit code. */
export function runSupervisor(host: HostConfig, paths: HostPaths, program: DaemonProgram): Promise<number> {
  const child = spawn(shell(), superviseArguments(host, paths, program), {
    stdio: ["ignore", "inherit", "inherit"],
    cwd: "/",
  });
  for (const name of ["SIGTERM", "SIGINT"] as const) process.on(name, () => child.kill(name));
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => resolve(code ?? 1));
  });
}

/** Stops the supervisor, then its daemons, and waits for their end. Containers and etcd run on. */
export async function stopDaemons(host: HostConfig, paths: HostPaths, program: DaemonProgram): Promise<void> {
  const names = ["supervise", ...daemonsOf(host, program).map(({ name }) => name)];
  for (const name of names) await stopDaemon(paths, name);
}

/** Process id of a daemon, or of the supervisor; undefined when it does not run. */
export function pidOfDaemon(paths: HostPaths, name: string): number | undefined {
  try {
    const pid = Number(readFileSync(join(paths.runDir, `${name}.pid`), "utf8"));
    const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
    return words.some((word, at) => /tallshipd(\.js)?$/.test(word) && words[at + 1] === name) ? pid : undefined;
  } catch {
    return undefined;
  }
}

/** Bash where there is one: its read can wait. */
function shell(): string {
  return existsSync("/bin/bash") ? "/bin/bash" : "/bin/sh";
}

function superviseArguments(host: HostConfig, paths: HostPaths, program: DaemonProgram): readonly string[] {
  mkdirSync(paths.log, { recursive: true });
  const daemons = daemonsOf(host, program);
  const script = superviseScript({ daemons, runDir: paths.runDir, logDir: paths.log, logBytes: limit("logFileBytes") });
  return ["-c", script, program.path, "supervise"];
}

async function stopDaemon(paths: HostPaths, name: string): Promise<void> {
  const pid = pidOfDaemon(paths, name);
  if (pid === undefined) return;
  signalProcess(pid, "SIGTERM");
  const untilMs = systemClock.monotonicMs() + limit("daemonStopMs");
  while (pidOfDaemon(paths, name) === pid) {
    if (systemClock.monotonicMs() > untilMs) signalProcess(pid, "SIGKILL");
    await systemClock.sleep(50, new AbortController().signal);
  }
}

function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended in between.
  }
}
