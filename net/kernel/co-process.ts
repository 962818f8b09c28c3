// Edge: a long-lived program that takes commands on standard input, such as `ip -batch -`.
import { type ChildProcess, spawn } from "node:child_process";
import type { Cancel, Clock } from "../../lib/clock.js";
import { TallshipError } from "../../lib/errors.js";
import { limit } from "../../lib/limits.js";

/** How a program says that it has carried out all that it was given. */
export interface Dialect {
  /** Words that start it. Both outputs come on one pipe, so that errors stand in order with answers. */
  readonly command: readonly string[];
  /** A line that changes nothing and makes the program print something that `answerEnd` recognises. */
  mark(number: number): string;
  /** What the trace of the mark begins with; nothing else that the program prints does. */
  trace(number: number): string;
  /** Where the answer ends and where the next begins, once the trace, which begins at `at`, is whole; undefined before. */
  answerEnd(output: string, at: number): { readonly end: number; readonly next: number } | undefined;
}

/** What starts a co-process. */
export interface CoProcessOptions {
  readonly dialect: Dialect;
  /** Words put before the command, such as those that enter a namespace; usually none. */
  readonly enter: readonly string[];
  readonly clock: Clock;
  /** After that many requests a fresh process takes over: some programs keep a history of their input. */
  readonly requestsPerProcess: number;
}

interface Waiting {
  readonly number: number;
  readonly resolve: (answer: string) => void;
  readonly reject: (error: TallshipError) => void;
  readonly cancelDeadline: Cancel;
}

/**
 * Sends commands to a program that stays alive: no fork and no start per command. Requests are answered in order. A program that dies
 * or does not answer in time fails what waits, and the next request starts it anew.
 */
export class CoProcess {
  private readonly options: CoProcessOptions;
  private readonly waiting: Waiting[] = [];
  private child: ChildProcess | undefined;
  private output = "";
  /** How much of the output is known not to hold the trace that is waited for. */
  private searched = 0;
  private lastNumber = 0;
  private sent = 0;

  constructor(options: CoProcessOptions) {
    this.options = options;
  }

  /** The program's process id; undefined while it does not run. */
  get pid(): number | undefined {
    return this.child?.pid;
  }

  /** Sends lines and returns what the program printed. Failures: kernel_failed when it dies or hangs. */
  request(lines: string): Promise<string> {
    if (this.sent >= this.options.requestsPerProcess && this.waiting.length === 0) this.retire();
    const child = this.child ?? this.start();
    this.lastNumber += 1;
    this.sent += 1;
    const number = this.lastNumber;
    return new Promise((resolve, reject) => {
      const cancelDeadline = this.options.clock.after(limit("kernelCallMs"), () => this.fail("did not answer in time"));
      this.waiting.push({ number, resolve, reject, cancelDeadline });
      child.stdin?.write(`${lines}\n${this.options.dialect.mark(number)}\n`);
    });
  }

  /** Ends the program; resolves when it is gone. */
  async close(): Promise<void> {
    const child = this.child;
    this.fail("was closed");
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    await new Promise((resolve) => child.once("exit", resolve));
  }

  private start(): ChildProcess {
    const [program = "", ...words] = [...this.options.enter, ...this.options.dialect.command];
    const child = spawn(program, words, {
      stdio: ["pipe", "pipe", "ignore"],
      env: { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", HOME: "/nonexistent", LC_ALL: "C" },
    });
    this.child = child;
    this.output = "";
    this.searched = 0;
    this.sent = 0;
    child.stdout?.setEncoding("utf8");
    child.stdout?.on("data", (text: string) => {
      if (this.child === child) this.take(text);
    });
    child.stdin?.on("error", () => undefined);
    const ended = (): void => {
      if (this.child === child) this.fail("ended");
    };
    child.on("error", ended);
    child.on("exit", ended);
    return child;
  }

  private take(text: string): void {
    this.output += text;
    for (let first = this.waiting[0]; first !== undefined; first = this.waiting[0]) {
      const trace = this.options.dialect.trace(first.number);
      // A long answer comes in many pieces: what was searched before is not searched again.
      const at = this.output.indexOf(trace, this.searched);
      this.searched = at < 0 ? Math.max(0, this.output.length - trace.length) : at;
      const found = at < 0 ? undefined : this.options.dialect.answerEnd(this.output, at);
      if (found === undefined) return;
      const answer = this.output.slice(0, found.end);
      this.output = this.output.slice(found.next);
      this.searched = 0;
      this.waiting.shift();
      first.cancelDeadline();
      first.resolve(answer);
    }
  }

  private fail(what: string): void {
    const said = this.output.trim().slice(-500);
    const waiting = this.waiting.splice(0);
    this.retire();
    const name = this.options.dialect.command.join(" ");
    for (const each of waiting) {
      each.cancelDeadline();
      each.reject(
        new TallshipError("kernel_failed", `run ${name}: it ${what}${said === "" ? "" : `, having said: ${said}`}`),
      );
    }
  }

  private retire(): void {
    const child = this.child;
    this.child = undefined;
    this.output = "";
    this.searched = 0;
    child?.stdin?.end();
    child?.kill("SIGKILL");
  }
}
