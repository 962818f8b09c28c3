// Edge: a shell that starts processes on the agent's behalf.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { TallshipError } from "../../lib/errors.js";
import type { Log } from "../../lib/log.js";
import { readText } from "../../lib/read-text.js";
import { shellWord } from "./shell-words.js";

/** How a job ended. */
export interface JobResult {
  readonly exitCode: number;
  /** What it printed on both outputs, at most the first 64 KiB. */
  readonly output: string;
}

/** Runs small shell scripts beside each other. */
export interface Launcher {
  /** Words that put a command where the jobs run. */
  readonly enter: readonly string[];
  /** Put before a path it leads there as jobs see it: what they have mounted shows. Empty where they see what this process sees. */
  readonly root: string;
  /** Runs a script (shell words, one line) to its end. A script of a launcher that died fails with `unavailable`: look again what it did. */
  run(script: string): Promise<JobResult>;
  close(): Promise<void>;
}

/** What a launcher needs. */
export interface LauncherOptions {
  /** Folder for the outputs of jobs and the launcher's pid; made when missing. */
  readonly dir: string;
  /** Words put before the shell, such as those that enter a namespace; may be empty. */
  readonly enter: readonly string[];
  readonly log: Log;
}

/** Marks the shell and its jobs in their environment. What a job leaves running for good must not be in its process group. */
const MARK = "TALLSHIP_LAUNCHER";

/**
 * What the shell runs. A job is forked from the shell (0.3 ms, against 2 to 10 ms for a fork of Node that blocks its loop) and once more
 * so that the shell reaps at once; it reports by one short line, which the kernel does not split.
 */
const SHELL_SCRIPT = [
  `cd "$${MARK}" && exec 4>&1 >/dev/null || exit`,
  `job() { ( ( trap 'echo "$1 $?" >&4' EXIT; eval "$2" ) </dev/null >"jobs/$1" 2>&1 & ) }`,
  'while IFS= read -r line; do eval "$line"; done',
].join("\n");

const OUTPUT_BYTES = 65_536;

/**
 * Starts the shell. It leads a process group of its own, whose number stands in `dir`/pid: what an agent that died left behind in it is
 * ended first, so that no half-done job of the past works beside this agent's.
 */
export async function startLauncher(options: LauncherOptions): Promise<Launcher> {
  mkdirSync(options.dir, { recursive: true, mode: 0o700 });
  await endPredecessor(options.dir);
  rmSync(join(options.dir, "jobs"), { recursive: true, force: true });
  mkdirSync(join(options.dir, "jobs"));
  return new ShellLauncher(options);
}

interface Job {
  readonly resolve: (result: JobResult) => void;
  readonly reject: (error: TallshipError) => void;
}

class ShellLauncher implements Launcher {
  readonly enter: readonly string[];
  private readonly options: LauncherOptions;
  private readonly jobs = new Map<number, Job>();
  private shell: ChildProcess | undefined;
  private isClosed = false;
  private lastJob = 0;
  private partial = "";
  /** What the shell has said of jobs and is not passed on yet. */
  private said: string[] = [];

  constructor(options: LauncherOptions) {
    this.enter = options.enter;
    this.options = options;
  }

  run(script: string): Promise<JobResult> {
    const shell = this.shell ?? this.startShell();
    this.lastJob += 1;
    const id = this.lastJob;
    return new Promise((resolve, reject) => {
      this.jobs.set(id, { resolve, reject });
      shell.stdin?.write(`job ${id} ${shellWord(script)}\n`);
    });
  }

  get root(): string {
    if (this.enter.length === 0) return "";
    return `/proc/${(this.shell ?? this.startShell()).pid}/root`;
  }

  async close(): Promise<void> {
    this.isClosed = true;
    const shell = this.shell;
    if (shell === undefined) return;
    const ended = new Promise((resolve) => shell.once("exit", resolve));
    shell.stdin?.end();
    await ended;
  }

  private startShell(): ChildProcess {
    const { dir, enter } = this.options;
    const [program = "/bin/sh", ...words] = [...enter, "/bin/sh", "-c", SHELL_SCRIPT];
    const shell = spawn(program, words, {
      detached: true,
      stdio: ["pipe", "pipe", "ignore"],
      env: { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", [MARK]: dir },
    });
    this.shell = shell;
    this.partial = "";
    writeFileSync(join(dir, "pid"), `${shell.pid ?? ""}`);
    shell.stdout?.setEncoding("utf8");
    shell.stdout?.on("data", (text: string) => this.take(text));
    shell.stdin?.on("error", () => undefined);
    shell.on("error", () => this.ended(shell));
    shell.on("exit", () => this.ended(shell));
    return shell;
  }

  private take(text: string): void {
    const lines = (this.partial + text).split("\n");
    this.partial = lines.pop() ?? "";
    const isPassing = this.said.length > 0;
    this.said.push(...lines);
    if (!isPassing) this.passOn();
  }

  /** One in each turn of the loop: whoever waited for a job goes on at once, and a dozen that ended together would go on in one go. */
  private passOn(): void {
    const line = this.said.shift();
    if (line === undefined) return;
    this.hear(line);
    if (this.said.length > 0) setImmediate(() => this.passOn());
  }

  private hear(line: string): void {
    const [id = "", exitCode = ""] = line.split(" ");
    const job = this.jobs.get(Number(id));
    this.jobs.delete(Number(id));
    job?.resolve({ exitCode: Number(exitCode), output: takeOutput(join(this.options.dir, "jobs", id)) });
  }

  private ended(shell: ChildProcess): void {
    if (this.shell !== shell) return;
    this.shell = undefined;
    for (const line of this.said.splice(0)) this.hear(line);
    if (!this.isClosed) this.options.log.warn("launcher died", { jobs: this.jobs.size });
    for (const job of this.jobs.values())
      job.reject(new TallshipError("unavailable", "run job: the launcher died; what it did is not known"));
    this.jobs.clear();
  }
}

function takeOutput(path: string): string {
  try {
    const bytes = readFileSync(path);
    rmSync(path);
    return bytes.subarray(0, OUTPUT_BYTES).toString("utf8");
  } catch {
    return ""; // The folder was removed under us: the exit code is what counts.
  }
}

/** Kills what is left in the process group of the launcher before this one and waits until it has gone. */
async function endPredecessor(dir: string): Promise<void> {
  const group = readText(join(dir, "pid"));
  if (group === "") return;
  for (let left = members(group, dir); left.length > 0; left = members(group, dir)) {
    for (const pid of left) kill(pid);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** Living processes of a group that carry the launcher's mark: the number alone could be somebody else's by now. */
function members(group: string, dir: string): readonly number[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  const ours = pids.filter((pid) => {
    const [state, , pgrp] = readText(`/proc/${pid}/stat`).split(") ").at(-1)?.split(" ") ?? [];
    return pgrp === group && state !== "Z" && readText(`/proc/${pid}/environ`).includes(`${MARK}=${dir}\0`);
  });
  return ours.map(Number);
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    return; // It has gone by itself.
  }
}
