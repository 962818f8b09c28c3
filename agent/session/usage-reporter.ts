import type { Cancel, Clock } from "../../lib/clock.js";
import type { PodUsage } from "../../proto/gen/tallship/v1/session.js";
import type { ContainerStats } from "../runtime/runtime.js";

/** What a usage reporter needs. */
export interface UsageParts {
  readonly clock: Clock;
  /** Uids of the pods now. */
  readonly pods: () => readonly string[];
  readonly stats: (podUid: string) => Promise<readonly ContainerStats[]>;
  readonly send: (pods: readonly PodUsage[]) => void;
}

/** Tells the leader what pods use, as often as it wants to know. */
export class UsageReporter {
  private readonly parts: UsageParts;
  private everyMs = 0;
  private cancel: Cancel | undefined;

  constructor(parts: UsageParts) {
    this.parts = parts;
  }

  /** From now on every so many milliseconds; 0: not at all. */
  want(everyMs: number): void {
    this.everyMs = everyMs;
    this.cancel?.();
    this.schedule();
  }

  private schedule(): void {
    if (this.everyMs > 0) this.cancel = this.parts.clock.after(this.everyMs, () => void this.report());
  }

  private async report(): Promise<void> {
    const readAtMs = this.parts.clock.nowMs();
    const pods: PodUsage[] = [];
    for (const uid of this.parts.pods()) {
      const stats = await this.parts.stats(uid);
      const containers = stats.map(({ container: name, cpuMicroseconds, memoryBytes }) => ({
        name,
        cpuMicroseconds,
        memoryBytes,
        readAtMs,
      }));
      if (containers.length > 0) pods.push({ uid, containers });
    }
    this.parts.send(pods);
    this.schedule();
  }
}
