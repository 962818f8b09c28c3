import type { Cancel, Clock } from "../../lib/clock.js";
import { deepEqual } from "../../lib/deep-equal.js";
import { limit } from "../../lib/limits.js";
import type { NodeUsage, UsageReport, UsageResponse } from "../../proto/gen/tallship/v1/session.js";
import { UsageBook } from "./usage-book.js";
import type { ContainerRate, Series, UsageSource, UsageWish } from "./usage-source.js";

const NO_WISH: UsageWish = { everyMs: 0, metrics: new Map() };

/**
 * Who wants to know what is used, and what nodes said. Nodes tell what pods use only while somebody wants to know: autoscalers as long as
 * there are any, people for limits.topWantedMs after they asked.
 */
export class UsageDesk implements UsageSource {
  private readonly clock: Clock;
  /** The wish has changed: nodes are to be told. */
  private readonly onWish: () => void;
  private readonly book = new UsageBook();
  private readonly hosts = new Map<string, NodeUsage>();
  /** Reports of each node since somebody wants them. */
  private readonly reports = new Map<string, number>();
  private asked = NO_WISH;
  private endOfAsking: Cancel | undefined;

  constructor(clock: Clock, onWish: () => void) {
    this.clock = clock;
    this.onWish = onWish;
  }

  /** What nodes are to tell, and how often. */
  get wish(): UsageWish {
    const { everyMs, metrics } = this.asked;
    return this.endOfAsking === undefined ? this.asked : { everyMs: sooner(everyMs, limit("topReportMs")), metrics };
  }

  wantUsage(wish: UsageWish): void {
    if (wish.everyMs === this.asked.everyMs && deepEqual([...wish.metrics], [...this.asked.metrics])) return;
    this.asked = wish;
    this.wishChanged();
  }

  usageOf(nodeName: string, uid: string): readonly ContainerRate[] | undefined {
    return this.book.usageOf(nodeName, uid, this.clock.monotonicMs());
  }

  seriesOf(nodeName: string, uid: string): readonly Series[] {
    return this.book.seriesOf(nodeName, uid, this.clock.monotonicMs());
  }

  /** Takes what a node says of its pods. */
  takePods(nodeName: string, report: UsageReport): void {
    this.book.take(nodeName, report, this.clock.monotonicMs());
    this.reports.set(nodeName, (this.reports.get(nodeName) ?? 0) + 1);
  }

  /** Takes what a node says of itself. */
  takeHost(nodeName: string, usage: NodeUsage): void {
    this.hosts.set(nodeName, usage);
  }

  /**
   * What hosts and pods use now, for people. When nobody has wanted to know lately, it waits until these nodes have told twice, so that there are rates,
   * or for limits.topWaitMs: who has not told by then is left out.
   */
  async now(nodeNames: readonly string[], signal: AbortSignal): Promise<UsageResponse> {
    this.endOfAsking?.();
    const isNew = this.endOfAsking === undefined;
    this.endOfAsking = this.clock.after(limit("topWantedMs"), () => {
      this.endOfAsking = undefined;
      this.wishChanged();
    });
    if (isNew) this.wishChanged();
    const untilMs = this.clock.monotonicMs() + limit("topWaitMs");
    const isMissing = (name: string): boolean => (this.reports.get(name) ?? 0) < 2;
    while (nodeNames.some(isMissing) && this.clock.monotonicMs() < untilMs)
      await this.clock.sleep(limit("topPollMs"), signal);
    const nodes = [...this.hosts].map(([name, usage]) => ({ name, ...usage }));
    const pods = this.book.all(this.clock.monotonicMs()).map(({ uid, rates }) => ({
      uid,
      containers: rates.map(({ name, cpuMillicores, memoryBytes }) => ({ name, cpuMillicores, memoryBytes })),
    }));
    return { nodes, pods };
  }

  forget(nodeName: string): void {
    this.book.forget(nodeName);
    this.hosts.delete(nodeName);
    this.reports.delete(nodeName);
  }

  /** Somebody else leads. */
  clear(): void {
    this.endOfAsking?.();
    this.endOfAsking = undefined;
    this.asked = NO_WISH;
    this.hosts.clear();
    this.forgetPods();
  }

  private wishChanged(): void {
    if (this.wish.everyMs === 0) this.forgetPods();
    this.onWish();
  }

  private forgetPods(): void {
    this.book.clear();
    this.reports.clear();
  }
}

/** The shorter of two intervals, of which 0 is never. */
function sooner(left: number, right: number): number {
  return left === 0 ? right : Math.min(left, right);
}
