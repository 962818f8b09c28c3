// Edge: one worker process.
import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { TallshipError } from "../../lib/errors.js";
import { type FromWorker, failureOf, type Job, LineCutter, toLine } from "./messages.js";

/** Most text of a worker's complaints that is kept for its error. */
const COMPLAINTS_MAX = 2_000;

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: TallshipError) => void;
}

/** A worker that runs one job at a time. When it dies the job fails with image_pull_failed. */
export class WorkerProcess {
  /** Resolves when it takes jobs; rejects with what it complained of when it died before. */
  readonly ready: Promise<void>;
  /** Resolves when it is gone. */
  readonly ended: Promise<void>;
  private readonly child: ChildProcessByStdio<Writable, Readable, Readable>;
  private readonly cutter = new LineCutter();
  private complaints = "";
  private waiting: Waiting | undefined;
  private onReady: Waiting | undefined;

  constructor(command: readonly string[]) {
    const [program = "", ...args] = command;
    this.child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"], env: { PATH: process.env["PATH"] } });
    this.ready = new Promise((resolve, reject) => {
      this.onReady = { resolve: () => resolve(), reject };
    });
    this.child.stdout.setEncoding("utf8").on("data", (text: string) => this.read(text));
    this.child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.complaints = (this.complaints + text).slice(-COMPLAINTS_MAX);
    });
    this.child.stdin.on("error", () => undefined); // That it died is told by its end.
    this.ended = new Promise((resolve) => {
      const end = (how: string): void => {
        this.fail(`unpack worker ended with ${how}: ${this.complaints.trim()}`);
        resolve();
      };
      this.child.on("error", (error) => end(error.message));
      this.child.on("close", (status, signal) => end(signal ?? `status ${status}`));
    });
    this.ready.catch(() => undefined);
  }

  /** Runs a job; it has none now. An abort is passed on: the worker answers when it has cleaned up. */
  async run(job: Job, signal: AbortSignal): Promise<unknown> {
    const cancel = (): void => {
      this.child.stdin.write(toLine({ is: "cancel" }));
    };
    signal.addEventListener("abort", cancel, { once: true });
    try {
      return await new Promise<unknown>((resolve, reject) => {
        this.waiting = { resolve, reject };
        this.child.stdin.write(toLine({ is: "job", job }));
      });
    } finally {
      signal.removeEventListener("abort", cancel);
    }
  }

  /** Lets it end by itself; it does so when idle. */
  end(): void {
    this.child.stdin.end();
  }

  /** Ends it at once. */
  kill(): void {
    this.child.kill("SIGKILL");
  }

  private read(text: string): void {
    // The worker is of the same build; what hostile content can make it say is within strings.
    for (const line of this.cutter.cut(text)) this.take(JSON.parse(line));
  }

  private take(message: FromWorker): void {
    if (message.is === "ready") {
      this.onReady?.resolve(undefined);
      this.onReady = undefined;
      return;
    }
    const { waiting } = this;
    this.waiting = undefined;
    if (message.is === "done") waiting?.resolve(message.result);
    else waiting?.reject(failureOf(message));
  }

  private fail(why: string): void {
    const error = new TallshipError("image_pull_failed", why);
    this.onReady?.reject(error);
    this.waiting?.reject(error);
    this.onReady = undefined;
    this.waiting = undefined;
  }
}
