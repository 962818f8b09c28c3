/** The points of who takes no part. */
export const OUT = Number.NEGATIVE_INFINITY;

/** What tournaments of different slots share. Each has a place for every slot. */
export interface Ranking {
  /** What each slot is ranked by: its points, or more. */
  readonly ranks: Float64Array;
  /** Where each slot stands among those of its tournament. */
  readonly placeOf: Int32Array;
  /** The points that the slot has now. */
  pointsOf(slot: number): number;
}

/**
 * The best of many candidates while single candidates change: a complete binary tree whose leaves are slots and whose inner nodes hold the better
 * of their children. More points win; of equals the lower slot. Who may have lost points is ranked by what he had until he is found at the
 * top: most lose points again before that, and to move each time would cost the tree's height.
 */
export class Tournament {
  private readonly ranking: Ranking;
  private readonly winners: Int32Array;
  private readonly leaves: number;

  /** Of these slots, in order. */
  constructor(slots: Int32Array, ranking: Ranking) {
    this.ranking = ranking;
    this.leaves = 2 ** Math.ceil(Math.log2(Math.max(1, slots.length)));
    this.winners = new Int32Array(2 * this.leaves).fill(-1);
    for (let place = 0; place < slots.length; place += 1) {
      ranking.placeOf[slots[place] ?? 0] = place;
      this.winners[this.leaves + place] = slots[place] ?? -1;
    }
  }

  /** The best candidate; −1 when there is none. */
  best(): number {
    const { ranking, winners } = this;
    for (;;) {
      const slot = winners[1] ?? -1;
      if (slot < 0) return -1;
      const points = ranking.pointsOf(slot);
      // Nobody is ranked below his points: who is at the top by what he has is the best. Each turn but the last ranks one lower.
      if (points === ranking.ranks[slot]) return points === OUT ? -1 : slot;
      this.move(slot, points);
    }
  }

  /** Takes all slots anew, as they are ranked now. */
  play(): void {
    const { winners } = this;
    for (let at = this.leaves - 1; at > 0; at -= 1)
      winners[at] = this.better(winners[2 * at] ?? -1, winners[2 * at + 1] ?? -1);
  }

  /** Ranks a slot of the tournament anew. */
  move(slot: number, rank: number): void {
    const { winners, ranking } = this;
    ranking.ranks[slot] = rank;
    for (let at = (this.leaves + (ranking.placeOf[slot] ?? 0)) >> 1; at > 0; at >>= 1) {
      const before = winners[at] ?? -1;
      const after = this.better(winners[2 * at] ?? -1, winners[2 * at + 1] ?? -1);
      // Another slot won here and still does: nothing above has changed.
      if (after === before && after !== slot) return;
      winners[at] = after;
    }
  }

  private better(left: number, right: number): number {
    if (right < 0) return left;
    const { ranks } = this.ranking;
    return (ranks[right] ?? OUT) > (ranks[left] ?? OUT) ? right : left;
  }
}
