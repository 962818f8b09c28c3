// Edge: etcd's process: spawn, signals, /proc, its pid file and log.
import { execFile, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { copyFile, mkdir, open, readdir, readFile, readlink, stat, truncate } from "node:fs/promises";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { readFileIfPresent, writeFileAtomic } from "../../lib/atomic-file.js";
import { TallshipError } from "../../lib/errors.js";
import { type EtcdVersion, parseVersion } from "./member-plan.js";
import type { Holder } from "./supervision.js";

/** Asks the program for its version. */
export async function readEtcdVersion(binary: string): Promise<EtcdVersion> {
  const { stdout } = await promisify(execFile)(binary, ["--version"], { env: {} }).catch((cause: unknown) => {
    throw new TallshipError("failed_precondition", `run ${binary} --version: is etcd installed?`, { cause });
  });
  const version = parseVersion(stdout);
  if (version === undefined) throw new TallshipError("failed_precondition", `run ${binary} --version: not etcd's`);
  return version;
}

/** Starts etcd in a session of its own, so that it outlives this process and what is sent to its group. */
export async function spawnEtcd(options: {
  readonly binary: string;
  readonly args: readonly string[];
  readonly dataDir: string;
  readonly logFile: string;
  readonly pidFile: string;
  readonly onExit: () => void;
}): Promise<number> {
  const { binary, args, dataDir, logFile, pidFile, onExit } = options;
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  await mkdir(dirname(logFile), { recursive: true });
  const log = openSync(logFile, "a", 0o600);
  try {
    const child = spawn(binary, args, {
      detached: true,
      stdio: ["ignore", log, log],
      env: etcdEnvironment(),
      cwd: "/",
    });
    const started = new Promise<void>((resolve, reject) => {
      child.once("spawn", resolve);
      child.once("error", reject);
    });
    child.once("exit", onExit);
    child.unref();
    await started;
    const pid = child.pid ?? 0;
    await notePid(pidFile, pid);
    return pid;
  } catch (cause) {
    throw new TallshipError("failed_precondition", `start ${binary}`, { cause });
  } finally {
    closeSync(log);
  }
}

/** Writes the pid file. */
export function notePid(pidFile: string, pid: number): Promise<void> {
  return writeFileAtomic(pidFile, `${pid}\n`, 0o600);
}

/** etcd reads every ETCD_… variable as a flag: it gets none but the one that 3.4 wants beyond amd64. */
function etcdEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith("ETCD") && !name.startsWith("NODE_"));
  return { ...Object.fromEntries(kept), ...(process.arch === "x64" ? {} : { ETCD_UNSUPPORTED_ARCH: process.arch }) };
}

/**
 * The process that holds the data directory: the one whose lock the kernel shows on the database, else the one of the pid file while it
 * is etcd on this directory (it has not taken its lock yet). A pid alone proves nothing: numbers are used again. One that is known is looked
 * at first, which costs next to nothing while it runs on.
 */
export async function findHolder(dataDir: string, pidFile: string, knownPid = 0): Promise<Holder | undefined> {
  const known = holderOf(dataDir, knownPid);
  if (known !== undefined) return known;
  const noted = holderOf(dataDir, Number((await readFileIfPresent(pidFile))?.toString() ?? ""));
  if (noted !== undefined) return noted;
  const locker = await lockHolder(`${dataDir}/member/snap/db`);
  return locker === undefined ? undefined : readHolder(locker);
}

function holderOf(dataDir: string, pid: number): Holder | undefined {
  const holder = pid > 0 ? readHolder(pid) : undefined;
  return holder?.args.includes(`--data-dir=${dataDir}`) ? holder : undefined;
}

/** The process's command line; undefined when it has gone, also while nobody has waited for it. The kernel answers from memory: nothing waits for a disk. */
function readHolder(pid: number): Holder | undefined {
  try {
    const args = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").slice(0, -1);
    return args.length === 0 ? undefined : { pid, args };
  } catch {
    return undefined;
  }
}

/** The process that holds an flock on the file. Devices in /proc/locks differ from stat's on some file systems: the open file decides. */
async function lockHolder(path: string): Promise<number | undefined> {
  const inode = await stat(path).then(
    ({ ino }) => ino,
    () => undefined,
  );
  if (inode === undefined) return undefined;
  for (const line of (await readFile("/proc/locks", "utf8")).split("\n")) {
    const [, kind, , , pid = "", place = ""] = line.trim().split(/\s+/);
    if (kind === "FLOCK" && place.endsWith(`:${inode}`) && (await hasOpen(Number(pid), path))) return Number(pid);
  }
  return undefined;
}

async function hasOpen(pid: number, path: string): Promise<boolean> {
  try {
    const folder = `/proc/${pid}/fd`;
    const targets = await Promise.all(
      (await readdir(folder)).map((name) => readlink(`${folder}/${name}`).catch(() => "")),
    );
    return targets.includes(path);
  } catch {
    return false;
  }
}

/** Sends a signal; a process that has gone is fine. */
export function signalProcess(pid: number, signal: "SIGTERM" | "SIGKILL"): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

/**
 * Moves a log that has grown beyond the bound to `<log>.1`, in place of the one there. It is copied and cut, since etcd keeps it open;
 * lines written between the two are lost.
 */
export async function boundLog(path: string, maxBytes: number): Promise<void> {
  const size = await stat(path).then(
    (found) => found.size,
    () => 0,
  );
  if (size <= maxBytes) return;
  await copyFile(path, `${path}.1`);
  await truncate(path);
}

/** The last line of a log, at most 2 KiB of it; empty when there is none. */
export async function lastLine(path: string): Promise<string> {
  const file = await open(path).catch(() => undefined);
  if (file === undefined) return "";
  try {
    const { size } = await file.stat();
    const tail = Buffer.alloc(Math.min(size, 2_048));
    await file.read(tail, 0, tail.length, size - tail.length);
    return tail.toString().trimEnd().split("\n").at(-1) ?? "";
  } finally {
    await file.close();
  }
}
