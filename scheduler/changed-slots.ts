/**
 * Which slots changed, in order, for readers that catch up each at their own pace. A reader that is further behind than the log reaches
 * back, or that read another layout, reads everything anew.
 */
export class ChangedSlots {
  private ring: Int32Array;
  /** Changes so far, ever. */
  private count = 0;
  /** Readers that stopped before this have lost changes. */
  private first = 0;
  private isMuted = false;
  /** What was found last, and under which mark each slot was found last. */
  private found = new Int32Array(0);
  private seen = new Uint32Array(0);
  private mark = 0;

  constructor(reach = 1_024) {
    this.ring = new Int32Array(reach);
  }

  /** Where a reader that has read everything stands. */
  get position(): number {
    return this.count;
  }

  /** Notes that a slot changed. */
  add(slot: number): void {
    if (this.isMuted) return;
    this.ring[this.count % this.ring.length] = slot;
    this.count += 1;
    if (this.count - this.first > this.ring.length) this.first = this.count - this.ring.length;
  }

  /** Runs what changes slots and leaves all of them as they were: nothing has changed. */
  muted<T>(trial: () => T): T {
    this.isMuted = true;
    try {
      return trial();
    } finally {
      this.isMuted = false;
    }
  }

  /** How many changes a reader at the position has to read; undefined when it must read everything anew. */
  behind(position: number): number | undefined {
    return position < this.first ? undefined : this.count - position;
  }

  /** The slot of the change at a position that `behind` allows. */
  at(position: number): number {
    return this.ring[position % this.ring.length] ?? 0;
  }

  /** Which slots, of so many, changed since a position that `behind` allows, each once, in order of their first change; good until it is asked for again. */
  since(position: number, slots: number): { readonly slots: Int32Array; readonly count: number } {
    if (this.seen.length < slots) {
      this.seen = new Uint32Array(slots);
      this.found = new Int32Array(slots);
    }
    const { found, seen } = this;
    this.mark += 1;
    let count = 0;
    for (let at = position; at < this.count; at += 1) {
      const slot = this.at(at);
      if (seen[slot] === this.mark) continue;
      seen[slot] = this.mark;
      found[count] = slot;
      count += 1;
    }
    return { slots: found, count };
  }

  /** Slots have other meanings from now on; there are `slots` of them. */
  reset(slots: number): void {
    if (this.ring.length < slots) this.ring = new Int32Array(2 ** Math.ceil(Math.log2(slots)));
    this.count += 1;
    this.first = this.count;
  }
}
