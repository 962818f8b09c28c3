import { keyText, type ObjectKey } from "../../kinds/object.js";
import { isKindName, KINDS } from "../../kinds/registry.js";
import type { Cancel, Clock } from "../../lib/clock.js";
import { assert, asTallshipError, type TallshipError } from "../../lib/errors.js";
import { limit } from "../../lib/limits.js";
import type { Log } from "../../lib/log.js";
import type { Rng } from "../../lib/rng.js";
import { WorkQueue } from "../../lib/work-queue.js";
import type { CacheChange, WatchCache } from "../cache/view.js";
import { caughtUp } from "../caught-up.js";
import { ChangeFeed } from "../change-feed.js";
import type { EventSink } from "../events/event-sink.js";
import type { Planner, Written } from "../leader-writer.js";
import type { ControlPlaneMetrics } from "../metrics.js";
import { Turns } from "../turns.js";
import { admitOutcome } from "./admit-outcome.js";
import type { Controller, Outcome } from "./controller.js";

/** What a runner needs. */
export interface RunnerDeps {
  readonly cache: WatchCache;
  readonly planner: Planner;
  readonly events: EventSink;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Log;
  readonly metrics: ControlPlaneMetrics;
  /** Called when a write shows that another replica leads, or when this one cannot keep up: leadership is to be given up. */
  readonly onDeposed: () => void;
}

/** Events are for people: no controller acts on them. */
const kinds = Object.keys(KINDS)
  .filter(isKindName)
  .filter((kind) => kind !== "Event");

interface Line {
  readonly controller: Controller;
  readonly queue: WorkQueue;
  /** The queue was full: every object is looked at again when there is room. */
  isIncomplete: boolean;
  /** The queue's size that the metric shows. */
  shownSize: number;
}

/**
 * Runs controllers against the cache: change → keysFor → queue → reconcile → writes in one transaction. A key is reconciled again only
 * once the cache reflects what was last written for it, so a controller never decides on a world older than its own writes and needs no
 * expectations. Work is done in slices of at most limits.leaderSliceMs. Ends when the signal aborts.
 */
export class Runner {
  private readonly deps: RunnerDeps;
  private readonly signal: AbortSignal;
  private readonly lines: readonly Line[];
  private readonly feed: ChangeFeed;
  private readonly turns: Turns;
  private readonly stops: Cancel[] = [];
  private writesInFlight = 0;

  constructor(controllers: readonly Controller[], deps: RunnerDeps, signal: AbortSignal) {
    this.deps = deps;
    this.signal = signal;
    this.lines = controllers.map((controller) => ({
      controller,
      queue: this.newQueue(),
      isIncomplete: false,
      shownSize: 0,
    }));
    this.feed = new ChangeFeed(deps.cache.view, kinds);
    this.turns = new Turns(deps.clock, signal, { step: () => this.step(), afterTurn: () => this.measure() });
  }

  /** Looks at every object once, then at every change. The cache must have passed the election's revision. */
  start(): void {
    this.stops.push(
      this.feed.follow(this.deps.cache, {
        onMore: () => this.turns.wake(),
        onBehind: () => this.deps.onDeposed(),
      }),
    );
    for (const line of this.lines) {
      const stop = line.controller.listen?.((key) => this.enqueue(line, key));
      if (stop !== undefined) this.stops.push(stop);
    }
    this.signal.addEventListener("abort", () => this.stop(), { once: true });
    if (this.signal.aborted) this.stop();
    this.turns.wake();
  }

  private stop(): void {
    for (const stop of this.stops.splice(0)) stop();
    for (const { queue } of this.lines) queue.close();
  }

  private newQueue(): WorkQueue {
    return new WorkQueue({
      clock: this.deps.clock,
      rng: this.deps.rng,
      capacity: limit("controllerQueueKeys"),
      retry: { firstMs: limit("controllerRetryFirstMs"), maxMs: limit("controllerRetryMaxMs") },
      spacing: { firstMs: limit("controllerSpacingMs"), maxMs: limit("controllerSpacingMaxMs") },
      onReady: () => this.turns.wake(),
    });
  }

  private measure(): void {
    for (const line of this.lines) {
      const { size } = line.queue;
      if (size === line.shownSize) continue;
      line.shownSize = size;
      this.deps.metrics.controllerQueueDepth.set({ controller: line.controller.name }, size);
    }
  }

  /** One change, or one key of each controller; false when there is nothing left to do now. */
  private step(): boolean {
    const change = this.feed.next();
    if (change !== undefined) {
      for (const line of this.lines) this.show(line, change);
      return true;
    }
    let didWork = false;
    for (const line of this.lines) didWork = this.work(line) || didWork;
    return didWork || this.resumeIncomplete();
  }

  private show(line: Line, change: CacheChange): void {
    try {
      for (const key of line.controller.keysFor(change, this.deps.cache.view)) this.enqueue(line, key);
    } catch (error) {
      const { name: controller } = line.controller;
      this.deps.metrics.controllerErrorsTotal.inc({ controller, code: asTallshipError(error).code });
      this.deps.log.error("change was not understood", { controller, key: keyText(change.key), error });
    }
  }

  private enqueue(line: Line, key: ObjectKey): void {
    if (!line.queue.add(`${key.kind}/${key.namespace}/${key.name}`)) line.isIncomplete = true;
  }

  /** Looks at everything again for controllers whose queue was full and has room now; false when there are none. */
  private resumeIncomplete(): boolean {
    const roomy = this.lines.filter((line) => line.isIncomplete && line.queue.size < limit("controllerQueueKeys") / 2);
    for (const line of roomy) line.isIncomplete = false;
    if (roomy.length > 0) this.feed.restart();
    return roomy.length > 0;
  }

  /** Reconciles the next key of a controller; false when none is ready or too many writes are under way. */
  private work(line: Line): boolean {
    if (this.writesInFlight >= limit("controllerWritesInFlight")) return false;
    const id = line.queue.take();
    if (id === undefined) return false;
    const { clock, rng, metrics, cache } = this.deps;
    const context = { nowMs: clock.nowMs(), monotonicMs: clock.monotonicMs(), newUid: () => rng.uuid() };
    try {
      const outcome = admitOutcome(line.controller.reconcile(parseKey(id), cache.view, context), cache.view);
      const tookMs = clock.monotonicMs() - context.monotonicMs;
      metrics.controllerReconcileSeconds.observe({ controller: line.controller.name }, tookMs / 1000);
      if (outcome.writes.length === 0) this.finish(line, id, outcome);
      else void this.write(line, id, outcome);
    } catch (error) {
      this.fail(line, id, asTallshipError(error));
    }
    return true;
  }

  /** Never rejects. */
  private async write(line: Line, id: string, outcome: Outcome): Promise<void> {
    this.writesInFlight += 1;
    try {
      const written = await this.deps.planner.write(outcome.writes);
      if (this.signal.aborted) return;
      await this.settle(line, id, outcome, written);
    } catch (error) {
      if (!this.signal.aborted) this.fail(line, id, asTallshipError(error));
    } finally {
      this.writesInFlight -= 1;
      this.turns.wake();
    }
  }

  private async settle(line: Line, id: string, outcome: Outcome, written: Written): Promise<void> {
    const { cache, metrics, onDeposed, log } = this.deps;
    const controller = line.controller.name;
    switch (written.is) {
      case "deposed":
        log.warn("another replica leads; controllers stop", { controller });
        onDeposed();
        return;
      case "conflict":
        metrics.controllerErrorsTotal.inc({ controller, code: "version_conflict" });
        await caughtUp(cache, Math.max(0, ...written.conflicts.map(({ revision }) => revision)), this.signal, log);
        line.queue.retry(id);
        return;
      case "written":
        metrics.controllerWritesTotal.inc({ controller }, outcome.writes.length);
        await caughtUp(cache, written.revision, this.signal, log);
        this.finish(line, id, outcome);
    }
  }

  private finish(line: Line, id: string, outcome: Outcome): void {
    const { againMs, notices = [] } = outcome;
    for (const notice of notices)
      this.deps.events.record(notice, { component: `${line.controller.name}-controller`, host: "" });
    // Who has written nothing would decide the same again: a pause keeps a mistake from taking the whole thread.
    line.queue.done(id, againMs === 0 && outcome.writes.length > 0);
    if (againMs !== undefined) line.queue.addAfter(id, againMs);
  }

  /** Retries by the error's class. What only a change can cure waits for one; the change brings the key back by itself. */
  private fail(line: Line, id: string, error: TallshipError): void {
    const { metrics, log } = this.deps;
    const controller = line.controller.name;
    metrics.controllerErrorsTotal.inc({ controller, code: error.code });
    if (error.retry === "never") line.queue.done(id);
    const retryMs = error.retry === "never" ? undefined : line.queue.retry(id);
    log.warn("reconcile failed", { controller, key: id, code: error.code, error, retryMs });
  }
}

function parseKey(id: string): ObjectKey {
  const [kind = "", namespace = "", ...name] = id.split("/");
  assert(isKindName(kind), `a queued key names a kind, not "${kind}"`);
  return { kind, namespace, name: name.join("/") };
}
