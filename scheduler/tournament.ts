/**
 * The best of many candidates while single candidates change: a complete binary tree whose leaves are the slots that take part and whose
 * inner nodes hold the better of their children. More points win; of equals the lower slot. `best` costs nothing, a change costs the tree's height.
 */
export class Tournament {
  /** Slots that may take part, in order. */
  private readonly slots: Int32Array;
  /** Points by slot; only those of candidates count. Written by the owner, who calls `play` or `replay` afterwards. */
  private readonly points: Float64Array;
  private readonly winners: Int32Array;
  private readonly leaves: number;

  constructor(slots: Int32Array, points: Float64Array) {
    this.slots = slots;
    this.points = points;
    this.leaves = 2 ** Math.ceil(Math.log2(Math.max(1, slots.length)));
    this.winners = new Int32Array(2 * this.leaves).fill(-1);
  }

  /** The best candidate; −1 when there is none. */
  get best(): number {
    return this.winners[1] ?? -1;
  }

  /** Takes all slots anew: those set in `isCandidate` take part. */
  play(isCandidate: Uint8Array): void {
    const { winners, leaves, slots } = this;
    for (let at = 0; at < slots.length; at += 1) {
      const slot = slots[at] ?? -1;
      winners[leaves + at] = isCandidate[slot] === 1 ? slot : -1;
    }
    for (let at = leaves - 1; at > 0; at -= 1)
      winners[at] = this.better(winners[2 * at] ?? -1, winners[2 * at + 1] ?? -1);
  }

  /** Takes one slot anew, which stands at that place of the slots. */
  replay(place: number, slot: number, isCandidate: boolean): void {
    const { winners } = this;
    let at = this.leaves + place;
    winners[at] = isCandidate ? slot : -1;
    for (at >>= 1; at > 0; at >>= 1) {
      const before = winners[at] ?? -1;
      const after = this.better(winners[2 * at] ?? -1, winners[2 * at + 1] ?? -1);
      // Another slot won here and still does: nothing above has changed.
      if (after === before && after !== slot) return;
      winners[at] = after;
    }
  }

  private better(left: number, right: number): number {
    if (left < 0) return right;
    if (right < 0) return left;
    return (this.points[right] ?? 0) > (this.points[left] ?? 0) ? right : left;
  }
}
