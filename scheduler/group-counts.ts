/** A group on more than this share of the nodes is counted in a column. */
const SPARSE = 1 / 16;

/** How many pods of one group run on each node, by slot: of few nodes in a map, of many in a column, which is quicker and then no larger. */
export class GroupCount {
  private readonly sparse = new Map<number, number>();
  private column: Int32Array | undefined;
  /** How many nodes have pods of it. */
  private nodes = 0;
  private readonly slots: number;

  constructor(slots: number) {
    this.slots = slots;
  }

  /** True when no pod is counted. */
  get isEmpty(): boolean {
    return this.nodes === 0;
  }

  /** Pods of the group on the node. */
  at(slot: number): number {
    return (this.column === undefined ? this.sparse.get(slot) : this.column[slot]) ?? 0;
  }

  /** Counts a pod on the node, or no longer. */
  add(slot: number, sign: 1 | -1): void {
    const count = this.at(slot) + sign;
    if (count === 0) this.nodes -= 1;
    else if (count === 1 && sign === 1) this.nodes += 1;
    if (this.column !== undefined) this.column[slot] = count;
    else if (count === 0) this.sparse.delete(slot);
    else this.sparse.set(slot, count);
    if (this.column === undefined && this.nodes > 16 && this.nodes > this.slots * SPARSE) this.spreadOut();
  }

  /** Tells every slot in [from, to) with pods, and how many. */
  forEach(from: number, to: number, tell: (slot: number, count: number) => void): void {
    if (this.column === undefined) {
      for (const [slot, count] of this.sparse) if (slot >= from && slot < to) tell(slot, count);
      return;
    }
    for (let slot = from; slot < to; slot += 1) {
      const count = this.column[slot] ?? 0;
      if (count > 0) tell(slot, count);
    }
  }

  private spreadOut(): void {
    this.column = new Int32Array(this.slots);
    for (const [slot, count] of this.sparse) this.column[slot] = count;
    this.sparse.clear();
  }
}

/** How many pods of each group, such as the replicas of one owner, run on each node. */
export class GroupCounts {
  /** Grows when a group gets its first pod, loses its last, or all are forgotten: what `of` said holds until then. */
  version = 0;
  private readonly byGroup = new Map<string, GroupCount>();
  private slots = 0;

  /** Counts a pod of the group on the node, or no longer. */
  charge(slot: number, group: string, sign: 1 | -1): void {
    if (group === "") return;
    let count = this.byGroup.get(group);
    if (count === undefined) {
      count = new GroupCount(this.slots);
      this.byGroup.set(group, count);
      this.version += 1;
    }
    count.add(slot, sign);
    if (!count.isEmpty) return;
    this.byGroup.delete(group);
    this.version += 1;
  }

  /** The pods of the group; undefined while there are none. Good until `version` grows. */
  of(group: string): GroupCount | undefined {
    return this.byGroup.get(group);
  }

  /** Says `of` at any time, and looks the group up only when it has to. */
  follow(group: string): () => GroupCount | undefined {
    let known = { version: -1, count: this.of(group) };
    return () => {
      if (known.version !== this.version) known = { version: this.version, count: this.of(group) };
      return known.count;
    };
  }

  /** Forgets all: slots have other meanings from now on, and there are so many. */
  layOut(slots: number): void {
    this.slots = slots;
    this.byGroup.clear();
    this.version += 1;
  }
}
