import type { ObjectKey } from "../../kinds/object.js";
import { isKindName, KINDS, type KindName } from "../../kinds/registry.js";
import type { Cancel, Clock } from "../../lib/clock.js";
import { assert, asTallshipError, type TallshipError } from "../../lib/errors.js";
import { limit } from "../../lib/limits.js";
import type { Log } from "../../lib/log.js";
import type { Rng } from "../../lib/rng.js";
import { WorkQueue } from "../../lib/work-queue.js";
import type { CacheChange, WatchCache } from "../cache/view.js";
import type { EventSink } from "../events/event-sink.js";
import type { Planner, Written } from "../leader-writer.js";
import type { ControlPlaneMetrics } from "../metrics.js";
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
  /** Called once when a write shows that another replica leads. */
  readonly onDeposed: () => void;
}

interface Line {
  readonly controller: Controller;
  readonly queue: WorkQueue;
  /** The queue was full: every object is looked at again when there is room. */
  isIncomplete: boolean;
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
  private readonly stops: Cancel[] = [];
  /** Changes not yet shown to the controllers. */
  private inbox: CacheChange[] = [];
  private inboxHead = 0;
  private survey: Iterator<CacheChange> | undefined;
  private writesInFlight = 0;
  private isTurnDue = false;
  private cancelTurn: Cancel | undefined;

  constructor(controllers: readonly Controller[], deps: RunnerDeps, signal: AbortSignal) {
    this.deps = deps;
    this.signal = signal;
    this.lines = controllers.map((controller) => ({ controller, queue: this.newQueue(), isIncomplete: false }));
  }

  /** Looks at every object once, then at every change. The cache must have passed the election's revision. */
  start(): void {
    this.stops.push(
      this.deps.cache.subscribe(({ changes }) => {
        for (const change of changes) this.inbox.push(change);
        this.wake();
      }),
    );
    for (const line of this.lines) {
      const stop = line.controller.listen?.((key) => this.enqueue(line, key));
      if (stop !== undefined) this.stops.push(stop);
    }
    this.survey = this.everything();
    this.signal.addEventListener("abort", () => this.stop(), { once: true });
    if (this.signal.aborted) this.stop();
    this.wake();
  }

  /** True when nothing is waiting, delayed work aside: for tests and for the bench. */
  get isIdle(): boolean {
    const isQuiet = this.inbox.length === this.inboxHead && this.survey === undefined && this.writesInFlight === 0;
    return isQuiet && this.lines.every(({ queue }) => queue.readyCount === 0);
  }

  private stop(): void {
    for (const stop of this.stops.splice(0)) stop();
    this.cancelTurn?.();
    for (const { queue } of this.lines) queue.close();
    this.inbox = [];
    this.inboxHead = 0;
    this.survey = undefined;
  }

  private newQueue(): WorkQueue {
    return new WorkQueue({
      clock: this.deps.clock,
      rng: this.deps.rng,
      capacity: limit("controllerQueueKeys"),
      retry: { firstMs: limit("controllerRetryFirstMs"), maxMs: limit("controllerRetryMaxMs") },
      spacingMs: limit("controllerSpacingMs"),
      onReady: () => this.wake(),
    });
  }

  /** Every object as if it had just appeared. Changes that come meanwhile are in the inbox. */
  private *everything(): Generator<CacheChange, undefined> {
    const { view } = this.deps.cache;
    for (const kind of Object.keys(KINDS)) {
      assert(isKindName(kind), "every key of KINDS names a kind");
      if (kind === "Event") continue;
      for (const cached of view.list(kind)) yield appeared(kind, cached);
    }
    return undefined;
  }

  /** One turn soon: in this task when nothing is going on, so that a change is acted on without waiting for a timer. */
  private wake(): void {
    if (this.isTurnDue || this.signal.aborted) return;
    this.isTurnDue = true;
    queueMicrotask(() => this.turn());
  }

  private turn(): void {
    const { clock } = this.deps;
    const untilMs = clock.monotonicMs() + limit("leaderSliceMs");
    let isMore = true;
    while (isMore && clock.monotonicMs() < untilMs && !this.signal.aborted) isMore = this.step();
    for (const { controller, queue } of this.lines)
      this.deps.metrics.controllerQueueDepth.set({ controller: controller.name }, queue.size);
    this.isTurnDue = false;
    if (!isMore || this.signal.aborted) return;
    this.isTurnDue = true;
    this.cancelTurn = clock.after(0, () => this.turn());
  }

  /** One change, or one key of each controller; false when there is nothing left to do now. */
  private step(): boolean {
    const change = this.nextChange();
    if (change !== undefined) {
      for (const line of this.lines)
        for (const key of line.controller.keysFor(change, this.deps.cache.view)) this.enqueue(line, key);
      return true;
    }
    let didWork = false;
    for (const line of this.lines) didWork = this.work(line) || didWork;
    if (!didWork) this.resumeIncomplete();
    return didWork || this.survey !== undefined;
  }

  private nextChange(): CacheChange | undefined {
    const change = this.inbox[this.inboxHead];
    if (change !== undefined) {
      this.inboxHead += 1;
      return change;
    }
    if (this.inboxHead > 0) {
      this.inbox = [];
      this.inboxHead = 0;
    }
    const next = this.survey?.next();
    if (next?.done === true) this.survey = undefined;
    return next?.value;
  }

  private enqueue(line: Line, key: ObjectKey): void {
    if (!line.queue.add(`${key.kind}/${key.namespace}/${key.name}`)) line.isIncomplete = true;
  }

  private resumeIncomplete(): void {
    const roomy = this.lines.filter((line) => line.isIncomplete && line.queue.size < limit("controllerQueueKeys") / 2);
    if (roomy.length === 0 || this.survey !== undefined) return;
    for (const line of roomy) line.isIncomplete = false;
    this.survey = this.everything();
  }

  /** Reconciles the next key of a controller; false when none is ready or too many writes are under way. */
  private work(line: Line): boolean {
    if (this.writesInFlight >= limit("controllerWritesInFlight")) return false;
    const id = line.queue.take();
    if (id === undefined) return false;
    const { clock, rng, metrics, cache } = this.deps;
    const context = { nowMs: clock.nowMs(), monotonicMs: clock.monotonicMs(), newUid: () => rng.uuid() };
    try {
      const outcome = line.controller.reconcile(parseKey(id), cache.view, context);
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
      this.wake();
    }
  }

  private async settle(line: Line, id: string, outcome: Outcome, written: Written): Promise<void> {
    const { metrics, onDeposed, log } = this.deps;
    const controller = line.controller.name;
    switch (written.is) {
      case "deposed":
        log.warn("another replica leads; controllers stop", { controller });
        onDeposed();
        return;
      case "conflict":
        metrics.controllerErrorsTotal.inc({ controller, code: "version_conflict" });
        await this.caughtUp(Math.max(0, ...written.conflicts.map(({ revision }) => revision)));
        line.queue.retry(id);
        return;
      case "written":
        metrics.controllerWritesTotal.inc({ controller }, outcome.writes.length);
        await this.caughtUp(written.revision);
        this.finish(line, id, outcome);
    }
  }

  private finish(line: Line, id: string, outcome: Outcome): void {
    const { againMs, notices = [] } = outcome;
    for (const notice of notices) this.deps.events.record(notice, { component: line.controller.name, host: "" });
    line.queue.done(id, againMs === 0);
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

  /** Resolves when the cache reflects the revision, however long the store's watch takes; rejects when the runner stops. */
  private async caughtUp(revision: number): Promise<void> {
    while (this.deps.cache.view.revision < revision) {
      try {
        await this.deps.cache.waitFor(revision, this.signal);
      } catch (error) {
        const { code } = asTallshipError(error);
        if (code !== "too_new") throw error;
        this.deps.log.warn("cache lags behind a controller's write", {
          revision,
          cache: this.deps.cache.view.revision,
        });
      }
    }
  }
}

function appeared(kind: KindName, cached: NonNullable<CacheChange["after"]>): CacheChange {
  const meta = cached.object.metadata;
  const key = { kind, namespace: meta?.namespace ?? "", name: meta?.name ?? "" };
  return { key, before: undefined, after: cached, revision: cached.revision };
}

function parseKey(id: string): ObjectKey {
  const [kind = "", namespace = "", name = ""] = id.split("/");
  assert(isKindName(kind), `a queued key names a kind, not "${kind}"`);
  return { kind, namespace, name };
}
