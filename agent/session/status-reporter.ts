import { encodeObject, metaOf } from "../../kinds/object.js";
import { backoffMs } from "../../lib/backoff.js";
import type { Clock } from "../../lib/clock.js";
import { asTallshipError, ERRORS, isErrorCode } from "../../lib/errors.js";
import { limit } from "../../lib/limits.js";
import type { Log } from "../../lib/log.js";
import type { Rng } from "../../lib/rng.js";
import { ObjectsDefinition, type UpdateStatusResult } from "../../proto/gen/tallship/v1/api.js";
import { type Pod, Pod as PodMessage, type PodStatus } from "../../proto/gen/tallship/v1/pod.js";
import type { AddressBook } from "./address-book.js";

/** What a reporter needs. */
export interface ReporterParts {
  readonly book: AddressBook;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Log;
}

const RETRY = { firstMs: 100, maxMs: 5_000 };

/**
 * Tells the control plane what pods do. Only the latest status of a pod waits; changes of limits.statusFlushMs go in one call of at most limits.statusBatch. What failed is sent
 * again with backoff unless something newer waits; a pod that no longer exists is dropped. Ends when the signal aborts.
 */
export class StatusReporter {
  private readonly parts: ReporterParts;
  private readonly waiting = new Map<string, Pod>();
  private wake: (() => void) | undefined;

  constructor(parts: ReporterParts) {
    this.parts = parts;
  }

  /** How many pods have news that was not sent yet. */
  get pendingCount(): number {
    return this.waiting.size;
  }

  /** Replaces what waits for this pod. */
  report(pod: Pod, status: PodStatus): void {
    const { uid, name, namespace } = metaOf(pod);
    const metadata = { name, namespace, uid };
    this.waiting.set(uid, PodMessage.fromPartial({ metadata, status }));
    this.wake?.();
  }

  /** Sends until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, rng, log, book } = this.parts;
    signal.addEventListener("abort", () => this.wake?.(), { once: true });
    let attempt = 0;
    while (!signal.aborted) {
      await this.news(signal);
      await clock
        .sleep(attempt === 0 ? limit("statusFlushMs") : backoffMs(RETRY, attempt - 1, rng), signal)
        .catch(() => undefined);
      if (signal.aborted) return;
      const batch = [...this.waiting.entries()].slice(0, limit("statusBatch"));
      for (const [uid] of batch) this.waiting.delete(uid);
      const address = book.current;
      try {
        const isRetried = await this.send(address, batch, signal);
        attempt = isRetried ? attempt + 1 : 0;
      } catch (caught) {
        const error = asTallshipError(caught);
        log.warn("pod statuses were not taken", {
          address,
          code: error.code,
          error: error.message,
          pods: batch.length,
        });
        book.failed(address);
        for (const [uid, pod] of batch) this.again(uid, pod);
        attempt += 1;
      }
    }
  }

  private news(signal: AbortSignal): Promise<void> {
    if (this.waiting.size > 0 || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      this.wake = () => {
        this.wake = undefined;
        resolve();
      };
    });
  }

  /** True when some of the batch must be sent again. */
  private async send(
    address: string,
    batch: readonly (readonly [string, Pod])[],
    signal: AbortSignal,
  ): Promise<boolean> {
    const client = this.parts.book.channel(address).client(ObjectsDefinition);
    const objects = batch.map(([, object]) => Buffer.from(encodeObject({ kind: "Pod", object })));
    const { results } = await client.updateStatus({ objects }, { signal });
    return batch.filter(([uid, pod], at) => this.isRetried(uid, pod, results[at])).length > 0;
  }

  private isRetried(uid: string, pod: Pod, result: UpdateStatusResult | undefined): boolean {
    if (result === undefined || result.code === "" || result.code === "not_found") return false;
    this.parts.log.warn("a pod's status was refused", {
      pod: pod.metadata?.name,
      code: result.code,
      error: result.message,
    });
    if (!isErrorCode(result.code) || ERRORS[result.code].retry === "never") return false;
    this.again(uid, pod);
    return true;
  }

  /** Puts a status back unless a newer one waits. */
  private again(uid: string, pod: Pod): void {
    if (!this.waiting.has(uid)) this.waiting.set(uid, pod);
  }
}
