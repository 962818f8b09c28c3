import type { Clock } from "../../../lib/clock.js";
import { assert, asTallshipError, hasCode, TallshipError } from "../../../lib/errors.js";
import { limit } from "../../../lib/limits.js";
import type { WatchCache } from "../../cache/view.js";
import { startPace } from "../../pace.js";
import type { Check, Store, Transaction, Write } from "../../store/store.js";
import { type Batch, packParts } from "./pack.js";
import { FreshReads } from "./reads.js";
import type { Settled, Tally, Task } from "./task.js";

/** What writing needs. */
export interface WriterDeps {
  readonly store: Store;
  readonly cache: WatchCache;
  readonly clock: Clock;
}

/** A task to decide: its place, and how often it lost a race. */
interface Turn {
  readonly at: number;
  readonly attempt: number;
}

/** A task that was decided and not refused. Without writes its checks alone are sent. */
interface Ready extends Turn {
  readonly checks: readonly Check[];
  readonly writes: readonly Write[];
  readonly tallies: readonly Tally[];
}

/** What of a batch was not settled: to be decided again, or only to be sent again. */
interface Lost {
  readonly stale: readonly Turn[];
  readonly innocent: readonly Ready[];
}

const NONE_LOST: Lost = { stale: [], innocent: [] };

/** A refusal that may be the cache's fault: decided again once the keys were read from the store. */
interface Doubt {
  readonly is: "doubt";
  readonly turn: Turn;
  readonly keys: readonly string[];
}

/**
 * Carries out tasks by compare-and-swap in batched transactions. Decisions are made on the cache, which may lag behind: a write that lost
 * a race, and a refusal that rests on what the cache says, are decided again on what the store says. So every result holds for the
 * store, yet the store is read only where the cache was wrong. Tasks are independent: each fails for itself.
 */
export class TaskRun {
  private readonly deps: WriterDeps;
  private readonly tasks: readonly Task[];
  private readonly reads: FreshReads;
  private readonly settled: (Settled | undefined)[];
  private ready: readonly Ready[] = [];
  /** Why the store did not answer; what was not sent by then fails with it. */
  private outage: TallshipError | undefined;

  constructor(deps: WriterDeps, tasks: readonly Task[]) {
    this.deps = deps;
    this.tasks = tasks;
    this.reads = new FreshReads(deps.cache.view, deps.store);
    this.settled = tasks.map(() => undefined);
  }

  /** Decides every task and writes nothing. Returns the refusals by place; the others wait for `commit`. */
  async decide(signal: AbortSignal): Promise<ReadonlyMap<number, TallshipError>> {
    const turns = this.tasks.map((_, at) => ({ at, attempt: 0 }));
    this.ready = await this.decideAll(turns, signal);
    return new Map(
      this.settled.flatMap((settled, at) => (settled?.is === "failed" ? [[at, settled.error] as const] : [])),
    );
  }

  /** Sends what was decided until every task is settled; the results are in the tasks' order. */
  async commit(signal: AbortSignal): Promise<readonly Settled[]> {
    await Promise.all([
      this.sendAtOnce(
        this.ready.filter(({ tallies }) => tallies.length === 0),
        signal,
      ),
      this.sendInTurn(
        this.ready.filter(({ tallies }) => tallies.length > 0),
        signal,
      ),
    ]);
    return this.settled.map((settled) => {
      assert(settled !== undefined, "every task is settled once none is ready");
      return settled;
    });
  }

  /** Sends tasks that share nothing, several transactions at once, until all are settled. */
  private async sendAtOnce(parts: readonly Ready[], signal: AbortSignal): Promise<void> {
    let ready = parts;
    while (ready.length > 0) {
      const stale: Turn[] = [];
      const innocent: Ready[] = [];
      const waiting = packParts(ready).values();
      const lane = async (): Promise<void> => {
        for (const batch of waiting) {
          const lost = await this.send(batch, signal);
          stale.push(...lost.stale);
          innocent.push(...lost.innocent);
        }
      };
      await Promise.all(Array.from({ length: limit("apiTransactionsInFlight") }, lane));
      ready = [...innocent, ...(await this.decideAll(stale, signal))].sort((left, right) => left.at - right.at);
    }
  }

  /**
   * Sends tasks that add to shared records, one transaction after the other, each decided on what the one before has written: sent at once, all
   * but one of them would lose to the others, and the last of a large set would give up.
   */
  private async sendInTurn(parts: readonly Ready[], signal: AbortSignal): Promise<void> {
    let decided = parts;
    let later: readonly Turn[] = [];
    while (decided.length > 0 || later.length > 0) {
      const [first, ...others] = packParts(decided);
      const lost = first === undefined ? NONE_LOST : await this.send(first, signal);
      const turns = [...lost.stale, ...lost.innocent, ...others.flatMap((batch) => batch.parts), ...later];
      decided = await this.decideAll(turns.slice(0, limit("transactionObjects")), signal);
      later = turns.slice(limit("transactionObjects"));
    }
  }

  /** Settles the parts of a batch; what lost a race was read afresh. */
  private async send({ parts, transaction }: Batch<Ready>, signal: AbortSignal): Promise<Lost> {
    if (signal.aborted) throw new TallshipError("cancelled", "write: the caller has gone");
    const conflicts = new Set<string>();
    try {
      if (this.outage !== undefined) throw this.outage;
      const result = await this.deps.store.transact(transaction);
      assert(result.is !== "guard_failed", "the API writes without a guard");
      if (result.is === "conflict") {
        for (const { key } of result.conflicts) conflicts.add(key);
        await this.learn(result.conflicts, signal);
      } else this.settleAll(parts, transaction, result.revision);
    } catch (caught) {
      const error = asTallshipError(caught, "store_unavailable");
      if (error.retry === "backoff") this.outage = error;
      for (const { at } of parts) this.settled[at] = { is: "failed", error };
    }
    const open = parts.filter(({ at }) => this.settled[at] === undefined);
    const isStale = ({ checks }: Ready): boolean => checks.some(({ key }) => conflicts.has(key));
    return {
      stale: open.filter(isStale).map(({ at, attempt }) => ({ at, attempt: attempt + 1 })),
      innocent: open.filter((part) => !isStale(part)),
    };
  }

  /** The next tasks that add to the same records are decided on what was written here, which the cache has yet to see. */
  private settleAll(parts: readonly Ready[], { writes }: Transaction, revision: number): void {
    for (const part of parts) this.settle(part, revision);
    const shared = new Set(parts.flatMap(({ tallies }) => tallies.map(({ key }) => key)));
    for (const write of writes)
      if (write.op === "put" && shared.has(write.key)) this.reads.took(write.key, write.value, revision);
  }

  /** Many conflicts mean that the cache lags as a whole, as after a large apply: waiting for it costs less than reading key by key. */
  private async learn(conflicts: readonly Check[], signal: AbortSignal): Promise<void> {
    const newest = Math.max(...conflicts.map(({ revision }) => revision));
    const isLag = conflicts.length > MANY && (await this.hasCacheSeen(newest, signal));
    const seen = conflicts.filter(({ revision }) => isLag && revision > 0).map(({ key }) => key);
    this.reads.forget(seen);
    const unseen = new Set(conflicts.map(({ key }) => key));
    for (const key of seen) unseen.delete(key);
    await this.reads.refresh(unseen);
  }

  private async hasCacheSeen(revision: number, signal: AbortSignal): Promise<boolean> {
    try {
      await this.deps.cache.waitFor(revision, signal);
      return true;
    } catch (error) {
      if (hasCode(error, "too_new")) return false;
      throw error;
    }
  }

  private settle({ at, writes }: Ready, revision: number): void {
    this.settled[at] = writes.length === 0 ? { is: "kept" } : { is: "written", revision };
  }

  /** Decides until nothing is in doubt any more; each round reads keys that were not read before. */
  private async decideAll(turns: readonly Turn[], signal: AbortSignal): Promise<readonly Ready[]> {
    const ready: Ready[] = [];
    let waiting = turns;
    while (waiting.length > 0) {
      const doubts: Doubt[] = [];
      const pace = startPace(this.deps.clock, signal);
      for (const turn of waiting) {
        const decided = this.decideOne(turn);
        if (decided?.is === "ready") ready.push(decided.ready);
        if (decided?.is === "doubt") doubts.push(decided);
        await pace();
      }
      await this.reads.refresh(doubts.flatMap(({ keys }) => keys));
      waiting = doubts.map(({ turn }) => turn);
    }
    return ready;
  }

  /** A task ready to be sent, or in doubt; undefined when it is settled. */
  private decideOne(turn: Turn): { readonly is: "ready"; readonly ready: Ready } | Doubt | undefined {
    const decision = this.decideSafely(turn);
    if (decision.is === "keep")
      return { is: "ready", ready: { ...turn, checks: decision.checks, writes: [], tallies: [] } };
    if (decision.is === "refuse") {
      const keys = decision.doubt.filter((key) => !this.reads.isFresh(key));
      if (keys.length > 0) return { is: "doubt", turn, keys };
      this.settled[turn.at] = { is: "failed", error: decision.error };
      return undefined;
    }
    if (turn.attempt <= limit("apiWriteAttempts"))
      return {
        is: "ready",
        ready: { ...turn, checks: decision.checks, writes: decision.writes, tallies: decision.tallies ?? [] },
      };
    const error = new TallshipError("version_conflict", `write: lost ${turn.attempt} races in a row`);
    this.settled[turn.at] = { is: "failed", error };
    return undefined;
  }

  private decideSafely({ at, attempt }: Turn): ReturnType<Task["decide"]> {
    const task = this.tasks[at];
    assert(task !== undefined, "a turn names a task");
    try {
      return task.decide(this.reads, attempt);
    } catch (error) {
      return { is: "refuse", error: asTallshipError(error), doubt: [] };
    }
  }
}

const MANY = 16;

/** Carries out one task; throws what it failed with. Returns the revision of its write; undefined when nothing was to be written. */
export async function runTask(deps: WriterDeps, task: Task, signal: AbortSignal): Promise<number | undefined> {
  const [settled] = await runTasks(deps, [task], signal);
  assert(settled !== undefined, "one task has one result");
  if (settled.is === "failed") throw settled.error;
  return settled.is === "written" ? settled.revision : undefined;
}

/** Carries out tasks, each for itself. */
export async function runTasks(
  deps: WriterDeps,
  tasks: readonly Task[],
  signal: AbortSignal,
): Promise<readonly Settled[]> {
  const run = new TaskRun(deps, tasks);
  await run.decide(signal);
  return run.commit(signal);
}
