// Edge: commands in running containers.
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import type { Clock } from "../../../lib/clock.js";
import { TallshipError } from "../../../lib/errors.js";
import { limit } from "../../../lib/limits.js";
import { Pipe } from "../../../lib/transport/pipe.js";
import { shellWords } from "../../launcher/shell-words.js";
import type { OciProcess } from "../../oci/oci-types.js";
import type { ExecOutputPart, ExecSession, ExecSpec, TerminalSize } from "../runtime.js";
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

/** Bytes of one read from a pipe, at most; the buffer's bound in such pieces. */
const PIECE_BYTES = 65_536;

/**
 * Starts a command with the rights, user (in numbers) and environment of the container's first process. A terminal is that of script(1): it
 * is on every Debian, where a module of native code would have to be built. Its size is changed by stty on the command's own side, through
 * /proc: the runtime passes no change on.
 */
export function startExec(place: ExecPlace, spec: ExecSpec): ExecSession {
  const base = `${place.bundle}/exec.${place.name}`;
  const files = { process: `${base}.json`, pid: `${base}.pid` };
  const inherited = containerProcess(place.bundle);
  writeFileSync(files.process, JSON.stringify(execProcess(inherited, spec)), { mode: 0o600 });
  const options = ["exec", "--pid-file", files.pid, "--process", files.process, ...(spec.hasTerminal ? ["--tty"] : [])];
  const command = [...place.runtime, ...options, place.id];
  const [program = "", ...words] = spec.hasTerminal ? inTerminal(command, spec.size) : command;
  const child = spawn(program, words, { stdio: [spec.hasStdin ? "pipe" : "ignore", "pipe", "pipe"] });
  return new ChildSession(child, { files, hasTerminal: spec.hasTerminal, clock: place.clock });
}

function containerProcess(bundle: string): OciProcess {
  // A parser: this driver wrote the file.
  const { process } = JSON.parse(readFileSync(`${bundle}/config.json`, "utf8")) as { process: OciProcess };
  return process;
}

/** The process as config.json has it, with another command. */
export function execProcess(inherited: OciProcess, { command, hasTerminal, size }: ExecSpec): unknown {
  const env = hasTerminal && !inherited.env.some((pair) => pair.startsWith("TERM=")) ? ["TERM=xterm"] : [];
  const consoleSize = size === undefined ? {} : { consoleSize: { height: size.height, width: size.width } };
  return { ...inherited, args: command, terminal: hasTerminal, env: [...inherited.env, ...env], ...consoleSize };
}

/** script(1) around the command; the size is set before it starts. */
function inTerminal(command: readonly string[], size: TerminalSize | undefined): readonly string[] {
  const stty = size === undefined ? "" : `stty cols ${size.width} rows ${size.height}; `;
  return ["script", "-qefc", `${stty}exec ${shellWords(command)}`, "/dev/null"];
}

interface SessionParts {
  readonly files: { readonly process: string; readonly pid: string };
  readonly hasTerminal: boolean;
  readonly clock: Clock;
}

class ChildSession implements ExecSession {
  readonly output: Pipe<ExecOutputPart>;
  private readonly child: ChildProcess;
  private readonly parts: SessionParts;
  private isOver = false;

  constructor(child: ChildProcess, parts: SessionParts) {
    this.child = child;
    this.parts = parts;
    const pieces = Math.max(2, Math.floor(limit("execOutputBufferBytes") / PIECE_BYTES));
    this.output = new Pipe<ExecOutputPart>(pieces, {
      onRoom: () => {
        child.stdout?.resume();
        child.stderr?.resume();
      },
      onLeft: () => this.cancel(),
    });
    this.carry("stdout");
    this.carry("stderr");
    child.stdin?.on("error", () => undefined); // The command has closed its input.
    child.once("error", (cause) => this.failed(cause));
    child.once("exit", (code, signal) => this.exited(code ?? 128 + signalOf(signal)));
  }

  async write(bytes: Uint8Array): Promise<void> {
    const { stdin } = this.child;
    if (stdin === null || this.isOver || stdin.write(bytes)) return;
    await new Promise<void>((resolve) => {
      stdin.once("drain", resolve);
      stdin.once("close", resolve);
    });
  }

  closeStdin(): void {
    this.child.stdin?.end();
  }

  resize({ width, height }: TerminalSize): void {
    const pid = readPid(this.parts.files.pid);
    if (pid === undefined || !this.parts.hasTerminal) return;
    const words = ["-F", `/proc/${pid}/fd/0`, "cols", `${width}`, "rows", `${height}`];
    spawn("stty", words, { stdio: "ignore" }).on("error", () => undefined);
  }

  cancel(): void {
    if (this.isOver) return;
    const pid = readPid(this.parts.files.pid);
    if (pid !== undefined) end(pid, this.parts.hasTerminal ? "SIGHUP" : "SIGKILL");
    this.child.kill(this.parts.hasTerminal ? "SIGHUP" : "SIGKILL");
  }

  private carry(name: "stdout" | "stderr"): void {
    const stream = this.child[name];
    stream?.on("data", (bytes: Buffer) => {
      if (!this.output.push({ is: name, bytes })) stream.pause();
    });
  }

  /** What the command wrote is there when it has ended; what its children still hold open is not waited for beyond a moment. */
  private exited(exitCode: number): void {
    this.isOver = true;
    let isTold = false;
    const tell = (): void => {
      if (isTold) return;
      isTold = true;
      cancelWait();
      this.output.push({ is: "exit", exitCode });
      this.output.end();
      this.removeFiles();
    };
    const cancelWait = this.parts.clock.after(limit("execDrainMs"), tell);
    this.child.once("close", tell);
  }

  private failed(cause: Error): void {
    this.isOver = true;
    this.output.end(new TallshipError("runtime_failed", `exec: ${cause.message}`, { cause }));
    this.removeFiles();
  }

  private removeFiles(): void {
    for (const file of Object.values(this.parts.files)) rmSync(file, { force: true });
  }
}

function end(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    return; // It ended by itself.
  }
}

function signalOf(signal: NodeJS.Signals | null): number {
  return signal === "SIGHUP" ? 1 : 9;
}
