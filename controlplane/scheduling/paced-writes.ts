import { asTallshipError } from "../../lib/errors.js";
import { limit } from "../../lib/limits.js";
import { WorkQueue } from "../../lib/work-queue.js";
import type { ObjectWrite } from "../controllers/controller.js";
import type { Notice } from "../events/notice.js";
import { Turns } from "../turns.js";
import type { SchedulingDeps } from "./scheduling-deps.js";

/** What is to be written of a pod, and what is told once it has happened. */
export interface PodWriting {
  readonly write: ObjectWrite;
  readonly notice: Notice;
}

/** What is written, and how often. */
export interface PacedWritesOptions {
  /** Names the writes in the log. */
  readonly what: string;
  /** Least time between two writes of one pod. */
  readonly spacingMs: number;
  /** What is to be written of the pod now; undefined when nothing is, or no longer. */
  readonly writingOf: (id: string) => PodWriting | undefined;
}

/**
 * Writes that follow from the scheduler's picture, by pod: what is to be written is asked for when it is written, and again after a conflict
 * or failure, so that nothing stale is. One transaction at a time: binds go first.
 */
export class PacedWrites {
  private readonly deps: SchedulingDeps;
  private readonly signal: AbortSignal;
  private readonly options: PacedWritesOptions;
  private readonly queue: WorkQueue;
  private readonly turns: Turns;
  private batch: (PodWriting & { readonly id: string })[] = [];
  private isWriting = false;

  constructor(deps: SchedulingDeps, signal: AbortSignal, options: PacedWritesOptions) {
    this.deps = deps;
    this.signal = signal;
    this.options = options;
    this.turns = new Turns(deps.clock, signal, { step: () => this.step() });
    this.queue = new WorkQueue({
      clock: deps.clock,
      rng: deps.rng,
      capacity: limit("controllerQueueKeys"),
      retry: { firstMs: limit("controllerRetryFirstMs"), maxMs: limit("controllerRetryMaxMs") },
      spacing: { firstMs: options.spacingMs, maxMs: options.spacingMs },
      onReady: () => this.turns.wake(),
    });
    signal.addEventListener("abort", () => this.queue.close(), { once: true });
  }

  /** There may be something to write of the pod. */
  add(id: string): void {
    this.queue.add(id);
  }

  private step(): boolean {
    if (this.isWriting) return false;
    const id = this.batch.length < limit("transactionObjects") ? this.queue.take() : undefined;
    if (id !== undefined) {
      const writing = this.options.writingOf(id);
      if (writing === undefined) this.queue.done(id);
      else this.batch.push({ ...writing, id });
      return true;
    }
    if (this.batch.length > 0) void this.write(this.batch.splice(0));
    return false;
  }

  /** Never rejects. */
  private async write(batch: PacedWrites["batch"]): Promise<void> {
    this.isWriting = true;
    try {
      const written = await this.deps.planner.write(batch.map(({ write }) => write));
      if (written.is === "deposed") this.deps.onDeposed();
      for (const { id, notice } of batch) {
        if (written.is !== "written") this.queue.retry(id);
        else {
          this.queue.done(id);
          this.deps.events.record(notice, source);
        }
      }
    } catch (error) {
      for (const { id } of batch) this.queue.retry(id);
      const { code } = asTallshipError(error);
      const { what } = this.options;
      if (!this.signal.aborted) this.deps.log.warn("not written", { what, count: batch.length, code, error });
    } finally {
      this.isWriting = false;
      this.turns.wake();
    }
  }
}

const source = { component: "default-scheduler", host: "" };
