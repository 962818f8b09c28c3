import type { Cancel, Clock } from "../../lib/clock.js";
import { limit } from "../../lib/limits.js";
import { type PodUsage, UsageWanted } from "../../proto/gen/tallship/v1/session.js";
import type { PodMetrics } from "../pod-metrics/pod-metrics.js";
import type { ContainerStats } from "../runtime/runtime.js";

/** What a usage reporter needs. */
export interface UsageParts {
  readonly clock: Clock;
  /** Uids of the pods now. */
  readonly pods: () => readonly string[];
  readonly stats: (podUid: string) => Promise<readonly ContainerStats[]>;
  readonly metrics: PodMetrics;
  readonly send: (pods: readonly PodUsage[]) => void;
}

const NOTHING = UsageWanted.fromPartial({});

/** Tells the leader what pods use, and what they export of what it asks for, as often as it wants to know. */
export class UsageReporter {
  private readonly parts: UsageParts;
  private wanted = NOTHING;
  private cancel: Cancel | undefined;
  private isReporting = false;

  constructor(parts: UsageParts) {
    this.parts = parts;
  }

  /** From now on this; the first report comes at once. */
  want(wanted: UsageWanted = NOTHING): void {
    const wasWanted = this.wanted.everyMs > 0;
    this.wanted = wanted;
    if (wasWanted && wanted.everyMs > 0) return; // The next report has it.
    this.cancel?.();
    if (wanted.everyMs > 0) this.cancel = this.parts.clock.after(0, () => void this.report());
  }

  private async report(): Promise<void> {
    if (this.isReporting) return;
    this.isReporting = true;
    try {
      this.parts.send(await this.read());
    } finally {
      this.isReporting = false;
      const { everyMs } = this.wanted;
      if (everyMs > 0) this.cancel = this.parts.clock.after(everyMs, () => void this.report());
    }
  }

  private async read(): Promise<readonly PodUsage[]> {
    const readAtMs = this.parts.clock.nowMs();
    const uids = this.parts.pods();
    const series = await this.readSeries(new Set(uids));
    const pods: PodUsage[] = [];
    for (const uid of uids) {
      // A pod that goes meanwhile has nothing to say.
      const stats = await this.parts.stats(uid).catch(() => []);
      const containers = stats.map(({ container: name, cpuMicroseconds, memoryBytes }) => ({
        name,
        cpuMicroseconds,
        memoryBytes,
        readAtMs,
      }));
      const own = series.get(uid) ?? [];
      if (containers.length > 0 || own.length > 0) pods.push({ uid, containers, series: own });
    }
    return pods;
  }

  private async readSeries(uids: ReadonlySet<string>): Promise<ReadonlyMap<string, PodUsage["series"]>> {
    const asked = this.wanted.metrics.filter(({ podUID }) => uids.has(podUID));
    const pages = await Promise.all(
      asked.map(async ({ podUID, names }) => {
        const series = await this.parts.metrics.read(podUID, new Set(names));
        const readAtMs = this.parts.clock.nowMs();
        return [podUID, series.slice(0, limit("podMetricsSeries")).map((each) => ({ ...each, readAtMs }))] as const;
      }),
    );
    return new Map(pages);
  }
}
