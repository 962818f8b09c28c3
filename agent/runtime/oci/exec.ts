// Edge: commands in running containers.
import { spawn } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { Clock } from "../../../lib/clock.js";
import { ChildSession } from "../../child-session.js";
import { shellWords } from "../../launcher/shell-words.js";
import type { OciProcess } from "../../oci/oci-types.js";
import type { ExecSession, ExecSpec, TerminalSize } from "../runtime.js";
import { readPid } from "./inspect.js";

/** Where a command is started, and by what. */
export interface ExecPlace {
  readonly id: string;
  readonly bundle: string;
  /** Words that call the runtime, such as crun --root=…; with those that enter its namespace in front. */
  readonly runtime: readonly string[];
  /** Unique among the commands of the container. */
  readonly name: string;
  readonly clock: Clock;
}

/**
 * Starts a command with the rights, user (in numbers) and environment of the container's first process. A terminal is that of script(1): it
 * is on every Debian, where a module of native code would have to be built. Its size is changed by stty on the command's own side, through
 * /proc: the runtime passes no change on.
 */
export function startExec(place: ExecPlace, spec: ExecSpec): ExecSession {
  const base = `${place.bundle}/exec.${place.name}`;
  const files = { process: `${base}.json`, pid: `${base}.pid`, log: `${base}.log` };
  const inherited = containerProcess(place.bundle);
  writeFileSync(files.process, JSON.stringify(execProcess(inherited, spec)), { mode: 0o600 });
  const { hasTerminal, isDetached = false } = spec;
  const options = ["exec", "--pid-file", files.pid, "--process", files.process, ...(hasTerminal ? ["--tty"] : [])];
  // What is detached keeps the outputs of who started it: it gets none, and the runtime complains in a file.
  const [log, detach] = isDetached ? [[`--log=${files.log}`], ["--detach"]] : [[], []];
  const command = [...place.runtime, ...log, ...options, ...detach, place.id];
  const [program = "", ...words] = hasTerminal ? inTerminal(command, spec.size) : command;
  const output = isDetached ? "ignore" : "pipe";
  const child = spawn(program, words, { stdio: [spec.hasStdin ? "pipe" : "ignore", output, output] });
  return new ChildSession(child, {
    clock: place.clock,
    operation: "exec",
    cancelSignal: hasTerminal ? "SIGHUP" : "SIGKILL",
    complaint: () => (isDetached ? complaintIn(files.log) : ""),
    readExit: shellExitCode,
    onCancel: () => {
      const pid = readPid(files.pid);
      if (pid !== undefined) end(pid, hasTerminal ? "SIGHUP" : "SIGKILL");
    },
    onResize: ({ width, height }) => {
      const pid = readPid(files.pid);
      if (pid === undefined || !hasTerminal) return;
      const options = ["-F", `/proc/${pid}/fd/0`, "cols", `${width}`, "rows", `${height}`];
      spawn("stty", options, { stdio: "ignore" }).on("error", () => undefined);
    },
    onEnded: () => {
      for (const file of Object.values(files)) rmSync(file, { force: true });
    },
  });
}

/** The last line of a runtime's log. */
function complaintIn(path: string): string {
  const lines = existsSync(path) ? readFileSync(path, "utf8").trimEnd().split("\n") : [];
  return `${lines.at(-1) ?? ""}\n`;
}

/** What runtimes end with when they could not start the command, and what they say then. */
const NOT_STARTED = 255;
const NOT_THERE = /executable file [^\n]*not found in \$PATH|no such file or directory/i;
const NOT_EXECUTABLE = /permission denied|exec format error/i;
const BY_RUNTIME = /^(time="|\d{4}-\d\d-\d\dT|exec failed|executable file|open executable|error executing)/;

/** The exit code as shells and docker have it: 127 of a command that is not there, 126 of one that cannot be run. A command's own 255 stays. */
export function shellExitCode(exitCode: number, said: string): number {
  const last = said.trimEnd().split("\n").at(-1) ?? "";
  if (exitCode !== NOT_STARTED || !BY_RUNTIME.test(last)) return exitCode;
  if (NOT_THERE.test(last)) return 127;
  return NOT_EXECUTABLE.test(last) ? 126 : exitCode;
}

function containerProcess(bundle: string): OciProcess {
  // A parser: this driver wrote the file.
  const { process } = JSON.parse(readFileSync(`${bundle}/config.json`, "utf8")) as { process: OciProcess };
  return process;
}

/** The process as config.json has it, with another command and what that has of its own. */
export function execProcess(inherited: OciProcess, { command, hasTerminal, size, changes = {} }: ExecSpec): unknown {
  const { workingDir, env = [], user } = changes;
  const variables = new Map([...inherited.env, ...env].map((pair) => [pair.split("=")[0] ?? "", pair]));
  if (hasTerminal && !variables.has("TERM")) variables.set("TERM", "TERM=xterm");
  return {
    ...inherited,
    args: command,
    terminal: hasTerminal,
    env: [...variables.values()],
    ...(workingDir === undefined ? {} : { cwd: workingDir }),
    ...(user === undefined ? {} : { user }),
    ...(size === undefined ? {} : { consoleSize: { height: size.height, width: size.width } }),
  };
}

/** script(1) around the command; the size is set before it starts. */
function inTerminal(command: readonly string[], size: TerminalSize | undefined): readonly string[] {
  const stty = size === undefined ? "" : `stty cols ${size.width} rows ${size.height}; `;
  return ["script", "-qefc", `${stty}exec ${shellWords(command)}`, "/dev/null"];
}

function end(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    return; // It ended by itself.
  }
}
