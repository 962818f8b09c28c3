import { keyOf, type ObjectKey, storeKey } from "../../kinds/object.js";
import { backoffMs } from "../../lib/backoff.js";
import { asTallshipError } from "../../lib/errors.js";
import { limit } from "../../lib/limits.js";
import type { Attempt } from "../../scheduler/attempt.js";
import { attemptGang, type Gang } from "../../scheduler/gang.js";
import { assume, type Binding } from "../../scheduler/schedule.js";
import { caughtUp } from "../caught-up.js";
import { ChangeFeed } from "../change-feed.js";
import type { ObjectWrite } from "../controllers/controller.js";
import type { Written } from "../leader-writer.js";
import { Turns } from "../turns.js";
import type { WaitingPod } from "./backlog.js";
import { Evictor } from "./evictor.js";
import { keepImagesTold } from "./image-holdings.js";
import { placeOf } from "./pod-place.js";
import { bindWrite, type Seat } from "./pod-writes.js";
import { RefusalTeller } from "./refusal-teller.js";
import { SchedulerState } from "./scheduler-state.js";
import type { SchedulingDeps } from "./scheduling-deps.js";
import { VolumeHolds } from "./volume-holds.js";

type Bind = Binding<WaitingPod>;

/** A bind and what it writes. */
interface Made {
  readonly bind: Bind;
  readonly writes: readonly ObjectWrite[];
}

/** Kinds that decide where pods run, in the order in which they are read. */
export const SCHEDULING_KINDS = [
  "Node",
  "Namespace",
  "Queue",
  "PodGroup",
  "StorageClass",
  "PersistentVolume",
  "PersistentVolumeClaim",
  "PodDisruptionBudget",
  "Pod",
] as const;
/** Pods decided on between two looks at the clock. */
const podsPerStep = 32;
/** Transactions of binds on their way at a time: enough to keep etcd busy while the next slice is decided. */
const bindsInFlight = 8;

/**
 * Binds pods to nodes while this replica leads: takes changes, decides, counts its binds at once and writes them in batches, each pod by
 * compare-and-swap. Who lost a write is taken back and tried again on what stands there now; the others of its batch are written without it.
 * Work is done in slices of at most limits.leaderSliceMs. Ends when the signal aborts.
 */
export class SchedulingLoop {
  private readonly deps: SchedulingDeps;
  private readonly signal: AbortSignal;
  private readonly state: SchedulerState;
  private readonly feed: ChangeFeed;
  private readonly turns: Turns;
  private readonly teller: RefusalTeller;
  private readonly evictor: Evictor;
  /** Decided binds that are not on their way yet. */
  private decided: Bind[] = [];
  private reconsidering: Iterator<undefined> | undefined;
  /** Pods that are taken anew, since pods are told apart by more than before. */
  private retaking: Iterator<undefined> | undefined;
  private inFlight = 0;
  private failures = 0;

  constructor(deps: SchedulingDeps, signal: AbortSignal) {
    this.deps = deps;
    this.signal = signal;
    this.state = new SchedulerState(deps.cache.view);
    this.feed = new ChangeFeed(deps.cache.view, SCHEDULING_KINDS);
    this.turns = new Turns(deps.clock, signal, { step: () => this.step(), afterTurn: () => this.afterTurn() });
    this.teller = new RefusalTeller(deps, this.state, signal);
    this.evictor = new Evictor(deps, this.state, signal);
  }

  /** Reads what is there, then follows the changes. The cache must have passed the election's revision. */
  start(): void {
    const stop = this.feed.follow(this.deps.cache, {
      onMore: () => this.turns.wake(),
      onBehind: () => this.deps.onDeposed(),
    });
    this.signal.addEventListener("abort", stop, { once: true });
    const { cache, clock, holdings } = this.deps;
    if (holdings !== undefined)
      keepImagesTold({ view: cache.view, clock, holdings }, this.state.snapshot.images, this.signal);
    if (this.signal.aborted) stop();
    this.turns.wake();
  }

  /** One change, one look at what was refused, or one slice of pods; false when there is nothing left to do now. */
  private step(): boolean {
    const change = this.feed.next();
    if (change !== undefined) {
      this.state.take(change, this.deps.clock.monotonicMs());
      return true;
    }
    if (this.retake() || this.reconsider() || this.state.admit()) return true;
    // While etcd is behind, deciding further ahead would only make the decisions older.
    if (this.decided.length >= limit("transactionObjects")) return false;
    return this.decide();
  }

  private retake(): boolean {
    if (this.state.isOutdated) {
      const pods = this.deps.cache.view.list("Pod").map(({ object }) => object);
      this.retaking = this.state.retake(pods, this.deps.clock.monotonicMs());
    }
    if (this.retaking?.next().done === true) this.retaking = undefined;
    return this.retaking !== undefined;
  }

  private reconsider(): boolean {
    if (this.reconsidering === undefined && this.state.hasImproved) {
      this.reconsidering = this.state.reconsider();
      this.teller.restate();
    }
    if (this.reconsidering === undefined) return false;
    if (this.reconsidering.next().done === true) this.reconsidering = undefined;
    return true;
  }

  private decide(): boolean {
    const { clock, metrics } = this.deps;
    const { backlog, snapshot, standings } = this.state;
    const pods = backlog.take(podsPerStep);
    if (pods.length === 0) return false;
    const startMs = clock.monotonicMs();
    let apart: WaitingPod[] = [];
    const placeApart = (): void => {
      const { refused, attempts } = assume(snapshot, apart, standings);
      for (const pod of refused) backlog.refuse(pod.id);
      this.teller.refused(refused);
      this.carryOut(attempts);
      apart = [];
    };
    for (const pod of pods) {
      const way = this.state.wayOf(pod);
      if (way === "apart") apart.push(pod);
      else if (way === "not now") backlog.withhold(pod.id);
      else {
        placeApart();
        this.placeTogether(pod, way);
      }
    }
    placeApart();
    metrics.schedulerScheduleSeconds.observe((clock.monotonicMs() - startMs) / 1000);
    if (this.decided.length >= limit("transactionObjects")) this.send();
    return true;
  }

  /** A gang that finds no nodes waits whole; its speaker is tried again when there is hope for it. */
  private placeTogether(speaker: WaitingPod, gang: Gang<WaitingPod>): void {
    const { backlog, snapshot, standings } = this.state;
    const attempts = attemptGang(snapshot, gang, standings) ?? [];
    const isPlaced = attempts.some(({ is }) => is === "bound");
    if (isPlaced) backlog.withhold(speaker.id);
    else {
      backlog.refuse(speaker.id);
      this.teller.refused(gang.pods);
    }
    this.carryOut(attempts);
    if (isPlaced) this.state.review(speaker.group);
  }

  private carryOut(attempts: readonly Attempt<WaitingPod>[]): void {
    for (const made of attempts) {
      const { pod, nodeName } = made;
      if (made.is === "bound") {
        this.state.assume(pod, nodeName);
        this.decided.push({ pod, nodeName });
      }
      this.evictor.order(made);
      for (const { id } of made.released) this.state.release(id);
    }
  }

  private afterTurn(): void {
    this.send();
    const debtors = this.state.reclaimed();
    this.evictor.reclaim(debtors);
    this.teller.heldBack(this.state.takeNews());
    // Whoever waits again without a node left its quota to others.
    if (debtors.some(({ isUnplaced }) => isUnplaced)) this.deps.clock.after(0, () => this.turns.wake());
    const { backlog } = this.state;
    this.deps.metrics.schedulerPendingPods.set({ state: "waiting" }, backlog.queued);
    this.deps.metrics.schedulerPendingPods.set({ state: "unschedulable" }, backlog.refused);
  }

  private send(): void {
    while (this.decided.length > 0 && this.inFlight < bindsInFlight)
      void this.write(this.decided.splice(0, limit("transactionObjects")));
  }

  /** Never rejects. */
  private async write(batch: readonly Bind[]): Promise<void> {
    this.inFlight += 1;
    try {
      const standing = batch.filter((bind) => this.isStanding(bind));
      for (const bind of batch) if (!standing.includes(bind)) this.giveBack(bind);
      const made = this.madeOf(standing);
      const kept = made.filter(({ writes }) => writes.length > 0);
      const short = made.filter(({ writes }) => writes.length === 0).map(({ bind }) => bind);
      const writes = kept.flatMap((each) => each.writes);
      const written = writes.length > 0 ? await this.deps.planner.write(writes) : undefined;
      if (written !== undefined) await this.settle(kept, written);
      if (short.length > 0) await this.wait(short, written);
      this.failures = 0;
    } catch (error) {
      this.fail(batch, error);
    } finally {
      this.inFlight -= 1;
      this.turns.wake();
    }
  }

  /** The writes of each bind, with the volumes that it takes; none for pods for which others of the batch leave too few volumes. */
  private madeOf(batch: readonly Bind[]): readonly Made[] {
    const { cache, clock } = this.deps;
    const holds = new VolumeHolds(cache.view);
    return batch.map((bind) => {
      const { key } = bind.pod;
      const cached = cache.view.cached("Pod", key.namespace, key.name);
      const held = cached && holds.for(cached.object, bind.nodeName);
      if (cached === undefined || held === undefined) return { bind, writes: [] };
      // The volumes come first: were the transaction cut for its size, one would be held too early, never too late.
      return { bind, writes: [...held, bindWrite(cached, this.seatOf(bind), clock.nowMs())] };
    });
  }

  private seatOf({ pod, nodeName }: Bind): Seat {
    return { nodeName, devices: this.state.devicesOf(pod.id) };
  }

  /** Pods that found their volumes taken look again once the cache shows it; without news of that, after a while. */
  private async wait(short: readonly Bind[], written: Written | undefined): Promise<void> {
    if (written?.is === "deposed") return;
    const giveBack = (): void => {
      for (const bind of short) this.giveBack(bind);
      this.turns.wake();
    };
    if (written?.is !== "written") this.deps.clock.after(limit("policyRetryMs"), giveBack);
    else {
      await caughtUp(this.deps.cache, written.revision, this.signal, this.deps.log);
      giveBack();
    }
  }

  /** The pod is still the one that was decided on, and still wants a node. */
  private isStanding({ pod }: Bind): boolean {
    const live = this.deps.cache.view.get("Pod", pod.key.namespace, pod.key.name);
    return live?.metadata?.uid === pod.id && placeOf(live).is === "waiting";
  }

  private async settle(batch: readonly Made[], written: Written): Promise<void> {
    const { metrics, clock, events } = this.deps;
    switch (written.is) {
      case "deposed":
        this.deps.onDeposed();
        return;
      case "written":
        metrics.schedulerBindsTotal.inc({ result: "bound" }, batch.length);
        for (const { pod, nodeName } of batch.map(({ bind }) => bind)) {
          metrics.schedulerBindSeconds.observe((clock.monotonicMs() - pod.seenAtMs) / 1000);
          const message = `Successfully assigned ${pod.key.namespace}/${pod.key.name} to ${nodeName}`;
          events.record({ about: pod.key, type: "Normal", reason: "Scheduled", message }, source);
        }
        return;
      case "conflict": {
        const lost = new Map(written.conflicts.map(({ key, revision }) => [key, revision]));
        const losers = batch.filter(({ writes }) => writes.some((write) => lost.has(storeKey(writtenKey(write)))));
        metrics.schedulerBindsTotal.inc({ result: "conflict" }, losers.length);
        this.decided.push(...batch.filter((each) => !losers.includes(each)).map(({ bind }) => bind));
        this.turns.wake();
        await caughtUp(this.deps.cache, Math.max(0, ...lost.values()), this.signal, this.deps.log);
        for (const { bind } of losers) this.giveBack(bind);
      }
    }
  }

  /** The bind did not happen: the pod is looked at as it stands now. */
  private giveBack({ pod }: Bind): void {
    this.state.look(this.deps.cache.view.get("Pod", pod.key.namespace, pod.key.name), pod);
  }

  /**
   * A write that failed may have happened, so its pods stay counted where they are, and the very same binds are written again: either they
   * happen now, or they conflict with themselves and the cache tells.
   */
  private fail(batch: readonly Bind[], error: unknown): void {
    if (this.signal.aborted) return;
    const retryMs = backoffMs(retry, this.failures, this.deps.rng);
    this.failures += 1;
    const { code } = asTallshipError(error);
    this.deps.log.warn("binds were not written", { count: batch.length, code, error, retryMs });
    this.deps.metrics.schedulerBindsTotal.inc({ result: "failed" }, batch.length);
    this.deps.clock.after(retryMs, () => {
      this.decided.push(...batch);
      this.turns.wake();
    });
  }
}

function writtenKey(write: ObjectWrite): ObjectKey {
  return write.op === "put" ? keyOf(write.typed) : write.key;
}

const source = { component: "default-scheduler", host: "" };
const retry = { firstMs: limit("controllerRetryFirstMs"), maxMs: limit("controllerRetryMaxMs") };
