import { limit } from "../../../lib/limits.js";
import type { Check, Transaction, Write } from "../../store/store.js";
import { transactionSize, writeSize } from "../../store/transaction.js";
import type { Tally } from "./task.js";

/** What one task adds to a transaction. */
export interface Part {
  readonly checks: readonly Check[];
  readonly writes: readonly Write[];
  readonly tallies?: readonly Tally[];
}

/** A transaction and the parts that it carries out. */
export interface Batch<P extends Part> {
  readonly parts: readonly P[];
  readonly transaction: Transaction;
}

/**
 * Packs parts into transactions in their order, as few as the store's bounds allow: at most limits.transactionObjects parts each. A key is
 * written once and checked for one revision per transaction; a part that disagrees starts the next one.
 */
export function packParts<P extends Part>(parts: readonly P[]): readonly Batch<P>[] {
  const batches: Batch<P>[] = [];
  let open = new OpenBatch<P>();
  for (const part of parts) {
    if (!open.fits(part)) {
      batches.push(open.close());
      open = new OpenBatch();
    }
    open.add(part);
  }
  if (!open.isEmpty) batches.push(open.close());
  return batches;
}

class OpenBatch<P extends Part> {
  private readonly parts: P[] = [];
  private readonly checks = new Map<string, number>();
  private readonly writes = new Map<string, Write>();
  private readonly tallies = new Map<string, Tally>();
  private bytes = 0;

  get isEmpty(): boolean {
    return this.parts.length === 0;
  }

  private get writeCount(): number {
    return this.writes.size + this.tallies.size;
  }

  /** A part that fits nowhere fits into an empty batch: the store says what is wrong with it. */
  fits(part: P): boolean {
    if (this.isEmpty) return true;
    if (this.parts.length >= limit("transactionObjects")) return false;
    if (part.writes.some(({ key }) => this.writes.has(key) || this.tallies.has(key))) return false;
    const tallies = part.tallies ?? [];
    if (tallies.some(({ key }) => this.writes.has(key))) return false;
    if (part.checks.some(({ key, revision }) => (this.checks.get(key) ?? revision) !== revision)) return false;
    const newChecks = part.checks.filter(({ key }) => !this.checks.has(key)).length;
    const most = limit("transactionOperations");
    if (this.checks.size + newChecks > most || this.writeCount + part.writes.length + tallies.length > most)
      return false;
    return this.bytes + sizeOf(part) <= limit("transactionBytes");
  }

  add(part: P): void {
    this.parts.push(part);
    this.bytes += sizeOf(part);
    for (const { key, revision } of part.checks) this.checks.set(key, revision);
    for (const write of part.writes) this.writes.set(write.key, write);
    for (const tally of part.tallies ?? [])
      if (tally.sequence > (this.tallies.get(tally.key)?.sequence ?? 0)) this.tallies.set(tally.key, tally);
  }

  close(): Batch<P> {
    const checks = Array.from(this.checks, ([key, revision]) => ({ key, revision }));
    const tallied = Array.from(this.tallies.values(), tallyWrite);
    return { parts: this.parts, transaction: { checks, writes: [...this.writes.values(), ...tallied] } };
  }
}

/** The write of a total. */
export function tallyWrite({ key, value }: Tally): Write {
  return { op: "put", key, value };
}

function sizeOf(part: Part): number {
  const checkBytes = transactionSize({ checks: part.checks, writes: [] });
  const writes = [...part.writes, ...(part.tallies ?? []).map(tallyWrite)];
  return writes.reduce((bytes, write) => bytes + writeSize(write), checkBytes);
}
