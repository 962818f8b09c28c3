// Edge: a program whose input and output are an operator's stream.
import type { ChildProcess } from "node:child_process";
import type { Clock } from "../lib/clock.js";
import { TallshipError } from "../lib/errors.js";
import { limit } from "../lib/limits.js";
import { Pipe } from "../lib/transport/pipe.js";
import type { ExecOutputPart, ExecSession, TerminalSize } from "./runtime/runtime.js";

/** What differs from program to program. */
export interface ChildTraits {
  readonly clock: Clock;
  /** In failures, such as exec. */
  readonly operation: string;
  /** Sent to the program when it is cancelled. */
  readonly cancelSignal: "SIGHUP" | "SIGKILL";
  /** Called when it is cancelled, before the signal. */
  readonly onCancel?: () => void;
  readonly onResize?: (size: TerminalSize) => void;
  /** Called once, when it has ended and its output was taken. */
  readonly onEnded?: () => void;
  /** What it had to say of its failure, where it does not say so on its outputs. */
  readonly complaint?: () => string;
  /** What its exit code means, of it and the last that it said. It is what it is when absent. */
  readonly readExit?: (exitCode: number, said: string) => number;
}

/** Bytes of what a program said last that are looked at when it has ended. */
const SAID_BYTES = 1_000;

/** Bytes of one read from a pipe, at most; the buffer's bound in such pieces. */
const PIECE_BYTES = 65_536;

/** A child process as a session: its output is held back while nobody takes it, its input while it does not read. */
export class ChildSession implements ExecSession {
  readonly output: Pipe<ExecOutputPart>;
  private readonly child: ChildProcess;
  private readonly traits: ChildTraits;
  private isOver = false;
  private said = Buffer.alloc(0);

  constructor(child: ChildProcess, traits: ChildTraits) {
    this.child = child;
    this.traits = traits;
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
    child.stdin?.on("error", () => undefined); // The program has closed its input.
    child.once("error", (cause) => this.failed(cause));
    child.once("exit", (code, signal) => this.exited(code ?? 128 + signalOf(signal)));
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.isOver ? Promise.resolve() : writeTo(this.child, bytes);
  }

  closeStdin(): void {
    this.child.stdin?.end();
  }

  resize(size: TerminalSize): void {
    this.traits.onResize?.(size);
  }

  cancel(): void {
    if (this.isOver) return;
    this.traits.onCancel?.();
    this.child.kill(this.traits.cancelSignal);
  }

  private carry(name: "stdout" | "stderr"): void {
    const stream = this.child[name];
    stream?.on("data", (bytes: Buffer) => {
      if (this.traits.readExit !== undefined)
        this.said = Buffer.concat([this.said, bytes.subarray(-SAID_BYTES)]).subarray(-SAID_BYTES);
      if (!this.output.push({ is: name, bytes })) stream.pause();
    });
  }

  /** What the program wrote is there when it has ended; what its children still hold open is not waited for beyond a moment. */
  private exited(exitCode: number): void {
    this.isOver = true;
    let isTold = false;
    const tell = (): void => {
      if (isTold) return;
      isTold = true;
      cancelWait();
      const complaint = Buffer.from(exitCode === 0 ? "" : (this.traits.complaint?.() ?? ""));
      if (complaint.length > 0) this.output.push({ is: "stderr", bytes: complaint });
      this.said = Buffer.concat([this.said, complaint]);
      const meant = this.traits.readExit?.(exitCode, this.said.toString()) ?? exitCode;
      this.output.push({ is: "exit", exitCode: meant });
      this.output.end();
      this.traits.onEnded?.();
    };
    const cancelWait = this.traits.clock.after(limit("execDrainMs"), tell);
    this.child.once("close", tell);
  }

  private failed(cause: Error): void {
    this.isOver = true;
    this.output.end(new TallshipError("runtime_failed", `${this.traits.operation}: ${cause.message}`, { cause }));
    this.traits.onEnded?.();
  }
}

/** Writes to a child's standard input; resolves when it can take more, or takes nothing any more. */
export async function writeTo({ stdin }: ChildProcess, bytes: Uint8Array): Promise<void> {
  if (stdin === null || stdin.destroyed || stdin.write(bytes)) return;
  await new Promise<void>((resolve) => {
    stdin.once("drain", resolve);
    stdin.once("close", resolve);
  });
}

function signalOf(signal: NodeJS.Signals | null): number {
  return signal === "SIGHUP" ? 1 : 9;
}
