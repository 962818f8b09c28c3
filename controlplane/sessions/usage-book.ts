import { limit } from "../../lib/limits.js";
import type { ContainerUsage, PodUsage, UsageReport } from "../../proto/gen/tallship/v1/session.js";
import type { ContainerRate, Series } from "./usage-source.js";

interface PodPage {
  /** Readings of each container, oldest first. */
  readonly containers: ReadonlyMap<string, readonly ContainerUsage[]>;
  readonly series: readonly Series[];
  /** When the node said so, by the leader's clock. */
  readonly heardAtMs: number;
}

/** What pods use and export, as their nodes said in the last limits.usageKeptMs; in memory only. */
export class UsageBook {
  private readonly byNode = new Map<string, ReadonlyMap<string, PodPage>>();

  /** Takes a node's report; pods that it does not name are gone from it. */
  take(nodeName: string, { pods }: UsageReport, nowMs: number): void {
    const before = this.byNode.get(nodeName);
    this.byNode.set(nodeName, new Map(pods.map((pod) => [pod.uid, pageOf(pod, before?.get(pod.uid), nowMs)])));
  }

  /** The containers of a pod; undefined when its node has not said, or too long ago. */
  usageOf(nodeName: string, uid: string, nowMs: number): readonly ContainerRate[] | undefined {
    const page = this.pageOf(nodeName, uid, nowMs);
    return page && Array.from(page.containers.values(), rateOf).filter((rate) => rate !== undefined);
  }

  /** The containers of every pod of which a node has said something lately. */
  all(nowMs: number): readonly { readonly uid: string; readonly rates: readonly ContainerRate[] }[] {
    return [...this.byNode].flatMap(([nodeName, pages]) =>
      [...pages.keys()].flatMap((uid) => {
        const rates = this.usageOf(nodeName, uid, nowMs);
        return rates === undefined ? [] : [{ uid, rates }];
      }),
    );
  }

  /** The series that a pod exports; none when its node has not said, or too long ago. */
  seriesOf(nodeName: string, uid: string, nowMs: number): readonly Series[] {
    return this.pageOf(nodeName, uid, nowMs)?.series ?? [];
  }

  forget(nodeName: string): void {
    this.byNode.delete(nodeName);
  }

  /** Nobody wants to know any more, or somebody else leads. */
  clear(): void {
    this.byNode.clear();
  }

  private pageOf(nodeName: string, uid: string, nowMs: number): PodPage | undefined {
    const page = this.byNode.get(nodeName)?.get(uid);
    return page === undefined || page.heardAtMs <= nowMs - limit("usageKeptMs") ? undefined : page;
  }
}

function pageOf({ containers, series }: PodUsage, before: PodPage | undefined, nowMs: number): PodPage {
  const readings = containers.map((reading) => {
    const earlier = (before?.containers.get(reading.name) ?? []).filter(
      (each) =>
        each.readAtMs > reading.readAtMs - limit("usageKeptMs") &&
        each.readAtMs < reading.readAtMs &&
        // A container that was started again counts from zero.
        each.cpuMicroseconds <= reading.cpuMicroseconds,
    );
    return [reading.name, [...earlier, reading]] as const;
  });
  return {
    containers: new Map(readings),
    series: series.slice(0, limit("podMetricsSeries")),
    heardAtMs: nowMs,
  };
}

/** The rate from the newest reading that is long enough ago, or else the oldest there is. */
function rateOf(readings: readonly ContainerUsage[]): ContainerRate | undefined {
  const last = readings.at(-1);
  if (last === undefined) return undefined;
  const { name, memoryBytes, readAtMs } = last;
  const earlier = readings.slice(0, -1);
  const start = earlier.findLast((each) => each.readAtMs <= readAtMs - limit("usageWindowMs")) ?? earlier[0];
  const windowMs = start === undefined ? 0 : readAtMs - start.readAtMs;
  const cpuMillicores = start === undefined ? undefined : (last.cpuMicroseconds - start.cpuMicroseconds) / windowMs;
  return { name, cpuMillicores, memoryBytes, readAtMs, windowMs };
}
