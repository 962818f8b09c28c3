// Edge: programs of builds, apart from the host's.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { totalmem } from "node:os";
import { join } from "node:path";
import { TallshipError } from "../../../lib/errors.js";
import { limit } from "../../../lib/limits.js";
import { mountedHierarchies } from "../../cgroup/pod-cgroups.js";
import { failureIn } from "./build-words.js";

/** How a program runs. */
export interface Confinement {
  /** Files by which a process joins the builds' control groups. */
  readonly groups: readonly string[];
  /** The build's folder; the program's HOME, and where its files for a while go. */
  readonly folder: string;
  /** What it reaches: nothing, what its node does, or what a network namespace does; by its path. */
  readonly network: "none" | "host" | { readonly netnsPath: string };
  readonly signal: AbortSignal;
}

/** Joins the groups that stand before `--`, then becomes what follows. */
const JOIN = 'while [ "$1" != -- ]; do echo $$ > "$1"; shift; done; shift; exec "$@"';

/**
 * Puts a /dev of harmless devices over the host's: a step gets what is mounted there, and has rights enough to write to a disk. Mounts are seen by nobody else and end with the program.
 */
const OWN_DEVICES = [
  'set -e; dev="$1/dev"; shift; mkdir -p "$dev"',
  'mount -t tmpfs -o mode=755,nosuid tmpfs "$dev"',
  'for one in null zero full random urandom tty; do : > "$dev/$one"; mount --bind "/dev/$one" "$dev/$one"; done',
  'mkdir "$dev/shm" "$dev/pts"; mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs "$dev/shm"',
  'ln -s /proc/self/fd "$dev/fd"; ln -s fd/0 "$dev/stdin"; ln -s fd/1 "$dev/stdout"; ln -s fd/2 "$dev/stderr"',
  'mount --rbind "$dev" /dev',
  // Names are asked for where its network has them answered.
  'names="$(dirname "$dev")/resolv.conf"; if [ -e "$names" ] && [ -e /etc/resolv.conf ]; then mount --bind "$names" /etc/resolv.conf; fi',
  'exec 2>&1; exec "$@"',
].join("\n");

/**
 * Runs a program in namespaces of its own (mounts, processes, IPC, host name) and in the network that it is given, and gives what it prints as it comes. When the signal aborts, or this agent dies,
 * all its processes are killed. Throws build_failed with the line that says why, cancelled, failed_precondition when it is not installed.
 */
export async function* confined(words: readonly string[], how: Confinement): AsyncGenerator<Buffer> {
  const { folder, signal, groups, network } = how;
  const spaces = ["--mount", "--propagation", "private", "--pid", "--ipc", "--uts", "--fork", "--mount-proc"];
  const apart = ["unshare", ...spaces, "--kill-child=SIGKILL", ...(network === "none" ? ["--net"] : [])];
  const enter = typeof network === "string" ? [] : ["nsenter", `--net=${network.netnsPath}`, "--"];
  const inner = [...enter, ...apart, "sh", "-c", OWN_DEVICES, "build", folder, ...words];
  const env = { PATH: process.env["PATH"], HOME: folder, TMPDIR: join(folder, "tmp"), LC_ALL: "C.UTF-8" };
  const args = ["--pdeathsig", "SIGKILL", "sh", "-c", JOIN, "build", ...groups, "--", ...inner];
  const child = spawn("setpriv", args, { stdio: ["ignore", "pipe", "pipe"], env, cwd: folder });
  const ended = new Promise<number | string>((resolve) => {
    child.on("error", (error) => resolve(error.message));
    child.on("close", (code, killer) => resolve(code ?? killer ?? ""));
  });
  const kill = (): void => void child.kill("SIGKILL");
  signal.addEventListener("abort", kill, { once: true });
  if (signal.aborted) kill();
  let complaints = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    complaints = tail(complaints + text);
  });
  let told = "";
  try {
    for await (const chunk of child.stdout) {
      told = tail(told + String(chunk));
      yield chunk;
    }
    const how = await ended;
    if (signal.aborted) throw new TallshipError("cancelled", "the build was cancelled");
    if (how !== 0) throw failed(how, told || complaints);
  } finally {
    signal.removeEventListener("abort", kill);
    kill();
    await ended;
  }
}

/** Most of what a program printed that is searched for why it failed. */
const TAIL_CHARACTERS = 8_192;

function tail(text: string): string {
  return text.slice(-TAIL_CHARACTERS);
}

function failed(how: number | string, output: string): TallshipError {
  const why = failureIn(output);
  if (how === 127 || /buildah: not found/.test(why))
    return new TallshipError(
      "failed_precondition",
      "build: buildah is not installed on the node: apt-get install buildah",
    );
  return new TallshipError("build_failed", why === "" ? `build: it ended with ${how}` : why);
}

/**
 * Makes the control group in which all builds of this node run, with bounds on memory and processes and a small share of the processors; where a controller is not there its bound is not either.
 * Twice is once. Returns the files by which a process joins it.
 */
export function buildGroups(cgroupParent: string): readonly string[] {
  const hierarchies = mountedHierarchies();
  const memoryBytes = Math.floor((totalmem() * limit("buildMemoryPercent")) / 100);
  const bounds: readonly (readonly [string, number])[] = [
    ["memory.limit_in_bytes", memoryBytes],
    ["memory.max", memoryBytes],
    ["pids.max", limit("buildProcesses")],
    ["cpu.shares", CPU_SHARES],
    ["cpu.weight", CPU_WEIGHT],
  ];
  const isAlone = hierarchies.every(({ version }) => version === 2);
  const bounding = hierarchies.filter(
    ({ version, controllers }) =>
      (version === 2 && isAlone) || ["memory", "pids", "cpu"].some((name) => controllers.includes(name)),
  );
  return bounding.map(({ mountPoint }) => {
    const folder = join(mountPoint, cgroupParent, "tallship", "builds");
    mkdirSync(folder, { recursive: true });
    for (const [file, value] of bounds)
      if (existsSync(join(folder, file))) writeFileSync(join(folder, file), String(value));
    return join(folder, "cgroup.procs");
  });
}

/** A tenth of what a pod without requests could take of a busy node: builds wait for pods, not pods for builds. */
const CPU_SHARES = 102;
const CPU_WEIGHT = 10;
