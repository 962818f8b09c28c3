import { type BackoffLimits, backoffMs } from "./backoff.js";
import { BinaryHeap } from "./binary-heap.js";
import type { Cancel, Clock } from "./clock.js";
import { assert } from "./errors.js";
import type { Rng } from "./rng.js";

/** What a WorkQueue needs and what bounds it. */
export interface WorkQueueOptions {
  readonly clock: Clock;
  readonly rng: Rng;
  /** Most keys known at a time. */
  readonly capacity: number;
  /** Delays of a key that failed. */
  readonly retry: BackoffLimits;
  /**
   * Rest between giving a key back and handing it out again, so that a burst of changes is one piece of work. A key that is asked for in
   * every rest rests twice as long each time, up to the bound; one that was left alone begins anew.
   */
  readonly spacing: BackoffLimits;
  /** Called when a key became ready; not for each one while others wait. */
  readonly onReady: () => void;
}

interface Slot {
  readonly key: string;
  /** waiting: stands in `ready`. delayed: its time is in `due`. taken: somebody works on it. */
  is: "waiting" | "delayed" | "taken";
  /** delayed: hand it out when the time has come, else forget it. taken: it was added again meanwhile. */
  isWanted: boolean;
  /** When a delayed key falls due. */
  dueAtMs: number;
  /** Failures in a row. */
  attempts: number;
  /** Not handed out before this, whoever asks; 0 when it may be at once. */
  restsUntilMs: number;
  /** How long it rests next. */
  restMs: number;
}

interface Due {
  readonly slot: Slot;
  readonly atMs: number;
  readonly order: number;
}

/**
 * Keys that need work. Invariants:
 * 1. A key is known at most once; what is added many times before it is taken is handed out once.
 * 2. A key that was taken is not handed out again before `done` or `retry`; added meanwhile, it is afterwards: no change is lost.
 * 3. Ready keys come in the order in which they became ready.
 * 4. At most `capacity` keys are known: `add` returns false instead, and the caller must remember that it missed something.
 * 5. At most one timer runs, and none while nothing is delayed.
 */
export class WorkQueue {
  private readonly options: WorkQueueOptions;
  private readonly slots = new Map<string, Slot>();
  private readonly due = new BinaryHeap<Due>((a, b) => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order));
  private ready: Slot[] = [];
  private head = 0;
  private orders = 0;
  private isClosed = false;
  private timer: { readonly atMs: number; readonly cancel: Cancel } | undefined;

  constructor(options: WorkQueueOptions) {
    this.options = options;
  }

  /** Keys that `take` would hand out now. */
  get readyCount(): number {
    return this.ready.length - this.head;
  }

  /** Keys known: ready, delayed or taken. */
  get size(): number {
    return this.slots.size;
  }

  /** Asks for work on the key, as soon as its spacing allows. A key in backoff comes sooner: the change may be the cure. */
  add(key: string): boolean {
    return this.addAfter(key, 0);
  }

  /** Asks for work on the key after a delay; of several delays the shortest counts. */
  addAfter(key: string, delayMs: number): boolean {
    if (this.isClosed) return true;
    const slot = this.slots.get(key) ?? this.admit(key);
    if (slot === undefined) return false;
    if (slot.is === "waiting") return true;
    const atMs = Math.max(this.now() + delayMs, slot.restsUntilMs);
    const isSooner = !slot.isWanted || atMs < slot.dueAtMs;
    slot.isWanted = true;
    if (isSooner) this.schedule(slot, atMs);
    return true;
  }

  /** The next ready key; the caller gives it back with `done` or `retry`. */
  take(): string | undefined {
    const slot = this.ready[this.head];
    if (slot === undefined) return undefined;
    this.head += 1;
    if (this.head === this.ready.length || this.head > 1_024) {
      this.ready = this.ready.slice(this.head);
      this.head = 0;
    }
    slot.is = "taken";
    slot.isWanted = false;
    return slot.key;
  }

  /** The work on a taken key succeeded: its failures are forgotten. With `isUnspaced` it may come again without delay. */
  done(key: string, isUnspaced = false): void {
    if (this.isClosed) return;
    const slot = this.taken(key);
    slot.attempts = 0;
    this.rest(slot, isUnspaced ? 0 : this.now() + slot.restMs);
  }

  /** The work on a taken key failed: it comes again after a backoff that grows with each failure in a row. Returns the delay. */
  retry(key: string): number {
    if (this.isClosed) return 0;
    const slot = this.taken(key);
    const delayMs = backoffMs(this.options.retry, slot.attempts, this.options.rng);
    const againAtMs = this.now() + delayMs;
    slot.attempts += 1;
    slot.dueAtMs = slot.isWanted ? Math.min(slot.dueAtMs, againAtMs) : againAtMs;
    slot.isWanted = true;
    this.rest(slot, this.now() + slot.restMs);
    return delayMs;
  }

  /** Forgets everything for good and stops the timer. Keys that are taken may still be given back. */
  close(): void {
    this.isClosed = true;
    this.slots.clear();
    this.ready = [];
    this.head = 0;
    this.timer?.cancel();
  }

  private now(): number {
    return this.options.clock.monotonicMs();
  }

  private admit(key: string): Slot | undefined {
    if (this.slots.size >= this.options.capacity) return undefined;
    const slot: Slot = { key, is: "delayed", isWanted: false, dueAtMs: 0, attempts: 0, restsUntilMs: 0, restMs: 0 };
    this.slots.set(key, slot);
    return slot;
  }

  private taken(key: string): Slot {
    const slot = this.slots.get(key);
    assert(slot?.is === "taken", `work queue: ${key} was taken before it is given back`);
    return slot;
  }

  private rest(slot: Slot, untilMs: number): void {
    const wantedAtMs = slot.isWanted ? slot.dueAtMs : 0;
    slot.is = "delayed";
    slot.restsUntilMs = untilMs;
    this.schedule(slot, Math.max(untilMs, wantedAtMs));
  }

  private schedule(slot: Slot, atMs: number): void {
    slot.dueAtMs = atMs;
    if (slot.is === "taken") return;
    if (atMs <= this.now()) this.arrive(slot);
    else {
      this.orders += 1;
      this.due.push({ slot, atMs, order: this.orders });
      this.setTimer();
    }
  }

  private arrive(slot: Slot): void {
    if (slot.isWanted) this.makeReady(slot);
    else this.slots.delete(slot.key);
  }

  private makeReady(slot: Slot): void {
    const { firstMs, maxMs } = this.options.spacing;
    const wasAwaited = slot.restsUntilMs > 0 && slot.dueAtMs <= slot.restsUntilMs;
    slot.restMs = wasAwaited ? Math.min(maxMs, 2 * slot.restMs) : firstMs;
    slot.is = "waiting";
    this.ready.push(slot);
    if (this.readyCount === 1) this.options.onReady();
  }

  private setTimer(): void {
    const next = this.due.peek();
    if (next === undefined || (this.timer !== undefined && this.timer.atMs <= next.atMs)) return;
    this.timer?.cancel();
    const cancel = this.options.clock.after(Math.max(0, next.atMs - this.now()), () => this.wake());
    this.timer = { atMs: next.atMs, cancel };
  }

  private wake(): void {
    this.timer = undefined;
    const nowMs = this.now();
    for (let next = this.due.peek(); next !== undefined && next.atMs <= nowMs; next = this.due.peek()) {
      this.due.pop();
      const { slot, atMs } = next;
      const isCurrent = this.slots.get(slot.key) === slot && slot.is === "delayed" && slot.dueAtMs === atMs;
      if (isCurrent) this.arrive(slot);
    }
    this.setTimer();
  }
}
