import type { CacheBatch } from "./view.js";

interface Kept {
  readonly batch: CacheBatch;
  /** Whoever stands before this point needs the batch: its revision, or beyond it for a repair. */
  readonly reach: number;
}

/** The latest batches, as many as hold no more than `capacity` changes: what a watch resumes from. */
export class ChangeHistory {
  private readonly capacity: number;
  private kept: Kept[] = [];
  private head = 0;
  private changeCount = 0;
  /** Changes at and before this revision are forgotten. */
  private floor: number;

  constructor(capacity: number, floor: number) {
    this.capacity = capacity;
    this.floor = floor;
  }

  /** Adds a batch, whose revision is greater than all before. */
  push(batch: CacheBatch): void {
    this.keep({ batch, reach: batch.revision });
  }

  /** Adds changes that should have come before: whoever saw everything up to this very revision still lacks them. */
  pushRepair(batch: CacheBatch): void {
    this.keep({ batch, reach: batch.revision + 0.5 });
  }

  private keep(kept: Kept): void {
    const { batch } = kept;
    this.kept.push(kept);
    this.changeCount += batch.changes.length;
    while (this.changeCount > this.capacity) this.forgetOldest();
  }

  /** The changes after a revision; undefined when some of them are forgotten. */
  after(revision: number): readonly CacheBatch[] | undefined {
    if (revision < this.floor) return undefined;
    return this.kept.slice(this.place(revision)).map(({ batch, reach }) => {
      const isWhole = reach > batch.revision || (batch.changes[0]?.revision ?? 0) > revision;
      return isWhole ? batch : { ...batch, changes: batch.changes.filter((change) => change.revision > revision) };
    });
  }

  private forgetOldest(): void {
    const oldest = this.kept[this.head];
    if (oldest === undefined) return;
    this.changeCount -= oldest.batch.changes.length;
    this.floor = oldest.reach;
    this.head += 1;
    if (this.head < 1_024) return;
    this.kept = this.kept.slice(this.head);
    this.head = 0;
  }

  /** Index of the first kept batch that reaches beyond the revision. */
  private place(revision: number): number {
    let low = this.head;
    let high = this.kept.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.kept[middle]?.reach ?? 0) <= revision) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
