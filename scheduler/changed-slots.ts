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

  /** `reach` is a power of two. */
  constructor(reach = 1_024) {
    this.ring = new Int32Array(reach);
  }

  /** Where a reader that has read everything stands. */
  get position(): number {
    return this.count;
  }

  /** How many changes it reaches back. */
  get reach(): number {
    return this.ring.length;
  }

  /** Notes that a slot changed. */
  add(slot: number): void {
    this.ring[this.count & (this.ring.length - 1)] = slot;
    this.count += 1;
    if (this.count - this.first > this.ring.length) this.first = this.count - this.ring.length;
  }

  /** How many changes a reader at the position has to read; undefined when it must read everything anew. */
  behind(position: number): number | undefined {
    return position < this.first ? undefined : this.count - position;
  }

  /** The slot of the change at a position that `behind` allows. */
  at(position: number): number {
    return this.ring[position & (this.ring.length - 1)] ?? 0;
  }

  /** Slots have other meanings from now on; there are `slots` of them. */
  reset(slots: number): void {
    if (this.ring.length < slots) this.ring = new Int32Array(2 ** Math.ceil(Math.log2(slots)));
    this.count += 1;
    this.first = this.count;
  }
}
