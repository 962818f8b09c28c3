/** A priority queue in an array: `pop` returns the value that comes before all others. Equal values come in no order. */
export class BinaryHeap<T> {
  private readonly values: T[] = [];
  private readonly isBefore: (left: T, right: T) => boolean;

  constructor(isBefore: (left: T, right: T) => boolean) {
    this.isBefore = isBefore;
  }

  get length(): number {
    return this.values.length;
  }

  /** The first value, which stays. */
  peek(): T | undefined {
    return this.values[0];
  }

  /** Adds a value; logarithmic. */
  push(value: T): void {
    const { values } = this;
    let at = values.length;
    values.push(value);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = values[parent];
      if (above === undefined || !this.isBefore(value, above)) break;
      values[at] = above;
      at = parent;
    }
    values[at] = value;
  }

  /** Takes the first value; logarithmic. */
  pop(): T | undefined {
    const first = this.values[0];
    const last = this.values.pop();
    if (last !== undefined && this.values.length > 0) this.sink(last);
    return first;
  }

  /** Puts all values in order anew, after what decides about it has changed. */
  reorder(): void {
    for (const value of this.values.splice(0)) this.push(value);
  }

  private sink(value: T): void {
    const { values, isBefore } = this;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      let below = values[child];
      const right = values[child + 1];
      if (below !== undefined && right !== undefined && isBefore(right, below)) {
        child += 1;
        below = right;
      }
      if (below === undefined || !isBefore(below, value)) break;
      values[at] = below;
      at = child;
    }
    values[at] = value;
  }
}
