import { AsyncQueue } from "../../lib/async-queue.js";
import { asTallshipError } from "../../lib/errors.js";
import { ExecInput, type ExecOutput } from "../../proto/gen/tallship/v1/streams.js";
import type { Shell } from "../shell.js";

/** A command or a container whose input and output are the user's terminal or pipes. */
export interface SessionOrder {
  readonly shell: Shell;
  /** The first message: what is started or joined. */
  readonly start: NonNullable<ExecInput["part"]>;
  readonly open: (inputs: AsyncIterable<ExecInput>, signal: AbortSignal) => AsyncIterable<ExecOutput>;
  readonly hasStdin: boolean;
  /** Keys are passed on unread. */
  readonly isTerminal: boolean;
  /** Ctrl-P Ctrl-Q leaves, and what runs goes on. */
  readonly canDetach: boolean;
  /** What the user's interrupt does; absent: it ends the session. */
  readonly onInterrupt?: () => void;
}

/** How a session ended. `lost`: it broke off before an exit code came. */
export type SessionEnd =
  | { readonly is: "exit"; readonly exitCode: number }
  | { readonly is: "detached" }
  | { readonly is: "lost" };

/** Inputs that wait to be sent; beyond that standard input is not read. */
const WAITING = 16;
const CTRL_P = 0x10;
const CTRL_Q = 0x11;

/** Passes everything on in both directions until the other side ends. */
export function runSession(order: SessionOrder): Promise<SessionEnd> {
  return new Session(order).run();
}

class Session {
  private readonly order: SessionOrder;
  private readonly inputs = new AsyncQueue<ExecInput>(1_024);
  private readonly over = new AbortController();
  private wake: (() => void) | undefined;
  private isDetached = false;
  /** Ctrl-P was typed: what follows decides whether it was meant for the container. */
  private hasCtrlP = false;

  constructor(order: SessionOrder) {
    this.order = order;
  }

  async run(): Promise<SessionEnd> {
    const { shell, start, isTerminal, hasStdin, onInterrupt } = this.order;
    const stopResize = isTerminal
      ? shell.terminal.onResize((size) => this.send({ $case: "resize", value: size }))
      : undefined;
    // With a terminal the command gets Ctrl-C as a key.
    const interrupted = (): void => (onInterrupt === undefined ? this.over.abort() : onInterrupt());
    shell.signal.addEventListener("abort", interrupted, { once: true });
    if (isTerminal) shell.stdin.setRaw(true);
    try {
      this.send(start);
      if (hasStdin) void this.pumpInput();
      return await this.pumpOutput();
    } catch (error) {
      if (this.isDetached) return { is: "detached" };
      throw error;
    } finally {
      if (isTerminal) shell.stdin.setRaw(false);
      stopResize?.();
      shell.signal.removeEventListener("abort", interrupted);
      this.over.abort();
      this.inputs.end();
    }
  }

  private send(part: NonNullable<ExecInput["part"]>): void {
    this.inputs.push(ExecInput.fromPartial({ part }));
  }

  private async *sent(): AsyncGenerator<ExecInput> {
    for await (const input of this.inputs) {
      yield input;
      this.wake?.();
    }
  }

  /** Reads on only while little waits to be sent, so that a slow command slows its input down. */
  private async pumpInput(): Promise<void> {
    try {
      for await (const chunk of this.order.shell.stdin.chunks(this.over.signal)) {
        const typed = this.order.canDetach ? this.withoutDetach(Buffer.from(chunk)) : Buffer.from(chunk);
        if (typed.length > 0) this.send({ $case: "stdin", value: typed });
        if (this.isDetached) return this.over.abort();
        while (this.inputs.length > WAITING && !this.over.signal.aborted)
          await new Promise<void>((resolve) => {
            this.wake = resolve;
          });
      }
      this.send({ $case: "stdinClosed", value: true });
    } catch (error) {
      this.inputs.fail(asTallshipError(error));
    }
  }

  /** What was typed up to the keys that detach. A Ctrl-P that something else follows is passed on with it. */
  private withoutDetach(typed: Buffer): Buffer {
    const passed: number[] = [];
    for (const key of typed) {
      if (this.hasCtrlP && key === CTRL_Q) {
        this.isDetached = true;
        break;
      }
      if (this.hasCtrlP) passed.push(CTRL_P);
      this.hasCtrlP = key === CTRL_P;
      if (!this.hasCtrlP) passed.push(key);
    }
    return Buffer.from(passed);
  }

  private async pumpOutput(): Promise<SessionEnd> {
    const { shell, open } = this.order;
    let exitCode: number | undefined;
    for await (const { part } of open(this.sent(), this.over.signal)) {
      if (part?.$case === "stdout") await shell.stdout.write(part.value);
      else if (part?.$case === "stderr") await shell.stderr.write(part.value);
      else if (part?.$case === "exitCode") exitCode = part.value;
    }
    if (this.isDetached) return { is: "detached" };
    return exitCode === undefined ? { is: "lost" } : { is: "exit", exitCode };
  }
}
