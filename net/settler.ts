import { backoffMs } from "../lib/backoff.js";
import type { Cancel, Clock } from "../lib/clock.js";
import { asTallshipError, type TallshipError } from "../lib/errors.js";
import { limit } from "../lib/limits.js";
import type { Rng } from "../lib/rng.js";
import type { Lane } from "./lane.js";

/** What a settler needs. */
export interface SettlerOptions {
  readonly lane: Lane;
  readonly clock: Clock;
  readonly rng: Rng;
  /** Brings the kernel to what is wanted by then. */
  readonly work: () => Promise<void>;
  readonly onFailure: (error: TallshipError) => void;
}

/** Has work done after it was wanted: many wishes while it waits are one, and a failure is tried again with backoff until it succeeds. */
export class Settler {
  private readonly options: SettlerOptions;
  private isQueued = false;
  private isStopped = false;
  private attempts = 0;
  private cancelRetry: Cancel | undefined;

  constructor(options: SettlerOptions) {
    this.options = options;
  }

  /** Something changed. */
  want(): void {
    if (this.isQueued || this.isStopped) return;
    this.isQueued = true;
    this.options.lane.run(() => this.once()).catch(() => undefined);
  }

  /** No more work begins. */
  stop(): void {
    this.isStopped = true;
    this.cancelRetry?.();
  }

  private async once(): Promise<void> {
    this.isQueued = false;
    this.cancelRetry?.();
    if (this.isStopped) return;
    try {
      await this.options.work();
      this.attempts = 0;
    } catch (error) {
      this.options.onFailure(asTallshipError(error, "kernel_failed"));
      const limits = { firstMs: limit("netRetryFirstMs"), maxMs: limit("netRetryMaxMs") };
      this.cancelRetry = this.options.clock.after(backoffMs(limits, this.attempts, this.options.rng), () =>
        this.want(),
      );
      this.attempts += 1;
    }
  }
}
