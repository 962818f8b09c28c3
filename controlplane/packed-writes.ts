import { assert, asTallshipError } from "../lib/errors.js";
import { type Batch, packParts } from "./api/write/pack.js";
import type { Check, Guard, Store, Write } from "./store/store.js";

/** What came of one part. */
export type Sent =
  | { readonly is: "written"; readonly revision: number }
  /** Its own checks that failed, with the revisions found. */
  | { readonly is: "conflict"; readonly conflicts: readonly Check[] }
  /** Another replica leads. */
  | { readonly is: "deposed" };

/** Checks and writes that happen together or not at all; they fit into one transaction. */
export interface WritePart {
  readonly checks: readonly Check[];
  readonly writes: readonly Write[];
}

interface Waiting extends WritePart {
  readonly settle: (sent: Sent) => void;
  readonly fail: (error: unknown) => void;
}

/**
 * Sends parts in as few transactions as hold them: what is asked for in one turn shares a call and a wait for the disk, which cost more than
 * the writes. Parts stay independent: those that stand against a transaction are told so, and the others are sent again without them.
 */
export class PackedWrites {
  private readonly store: Pick<Store, "transact">;
  private readonly guard: Guard;
  private waiting: Waiting[] = [];

  constructor(store: Pick<Store, "transact">, guard: Guard) {
    this.store = store;
    this.guard = guard;
  }

  /** Sends a part at the end of the current task. Failures: those of the store. */
  send({ checks, writes }: WritePart): Promise<Sent> {
    return new Promise((settle, fail) => this.enqueue([{ checks, writes, settle, fail }]));
  }

  private enqueue(parts: readonly Waiting[]): void {
    if (this.waiting.length === 0) queueMicrotask(() => this.flush());
    this.waiting.push(...parts);
  }

  private flush(): void {
    const parts = this.waiting;
    this.waiting = [];
    for (const batch of packParts(parts)) void this.transact(batch);
  }

  /** Never rejects. */
  private async transact({ parts, transaction }: Batch<Waiting>): Promise<void> {
    try {
      const result = await this.store.transact({ guard: this.guard, ...transaction });
      if (result.is === "conflict") this.part(parts, result.conflicts);
      else
        for (const { settle } of parts)
          settle(result.is === "committed" ? { is: "written", revision: result.revision } : { is: "deposed" });
    } catch (error) {
      this.fail(parts, error);
    }
  }

  /** What no retry can cure is the fault of one part: alone, each fails for itself. */
  private fail(parts: readonly Waiting[], error: unknown): void {
    if (parts.length === 1 || asTallshipError(error).retry === "backoff") for (const { fail } of parts) fail(error);
    else for (const batch of parts.flatMap((part) => packParts([part]))) void this.transact(batch);
  }

  /** Tells the losers, and sends the others again. */
  private part(parts: readonly Waiting[], conflicts: readonly Check[]): void {
    const innocent: Waiting[] = [];
    for (const part of parts) {
      const own = conflicts.filter(({ key }) => part.checks.some((check) => check.key === key));
      if (own.length > 0) part.settle({ is: "conflict", conflicts: own });
      else innocent.push(part);
    }
    assert(innocent.length < parts.length, "a conflict is about a check that was sent");
    if (innocent.length > 0) this.enqueue(innocent);
  }
}
