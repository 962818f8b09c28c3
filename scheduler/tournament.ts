/** The rank of who takes no part. */
export const OUT = Number.NEGATIVE_INFINITY;

/** Entries that are compared at once: as many ranks as one line of the processor's cache holds. */
const WIDTH = 8;
const SHIFT = 3;

/**
 * The best of many places while single ones change: a tree in which each entry of a level is the best of eight below. The higher rank wins; of equals
 * the lower place. Its top costs nothing, a change at most eight looks per level.
 */
export class Tournament {
  /** Of all levels, one after the other: places first, the top last. */
  private readonly ranks: Float64Array;
  /** Which place each entry stands for. */
  private readonly winners: Int32Array;
  /** Where the levels begin. */
  private readonly levels: readonly number[];
  private readonly top: number;

  constructor(places: number) {
    const levels = [0];
    let size = Math.max(1, places);
    let end = 0;
    do {
      end += Math.ceil(size / WIDTH) * WIDTH;
      levels.push(end);
      size = Math.ceil(size / WIDTH);
    } while (size > 1);
    this.levels = levels;
    this.top = end;
    this.ranks = new Float64Array(end + 1).fill(OUT);
    this.winners = Int32Array.from({ length: end + 1 }, (_, at) => at);
  }

  /** The best place; −1 when none takes part. */
  get best(): number {
    return this.ranks[this.top] === OUT ? -1 : (this.winners[this.top] ?? -1);
  }

  /** The rank of the best place; OUT when none takes part. */
  get most(): number {
    return this.ranks[this.top] ?? OUT;
  }

  /** What the place is ranked by. */
  rankOf(place: number): number {
    return this.ranks[place] ?? OUT;
  }

  /** Ranks the first places anew, so many as there are ranks given; `placed[at]` says which of them stands at a place. */
  play(given: Float64Array, placed: Int32Array): void {
    for (let at = 0; at < placed.length; at += 1) this.ranks[at] = given[placed[at] ?? 0] ?? OUT;
    for (let level = 0; level + 1 < this.levels.length; level += 1) {
      const end = this.levels[level + 1] ?? 0;
      for (let from = this.levels[level] ?? 0; from < end; from += WIDTH) this.settle(level, from);
    }
  }

  /** Ranks one place anew. */
  move(place: number, rank: number): void {
    this.ranks[place] = rank;
    let at = place;
    for (let level = 0; level + 1 < this.levels.length; level += 1) {
      const begin = this.levels[level] ?? 0;
      const block = (at - begin) >> SHIFT;
      if (!this.settle(level, begin + block * WIDTH)) return;
      at = (this.levels[level + 1] ?? 0) + block;
    }
  }

  /** Finds the best of the entries of a level from there; false when the entry above says so already. */
  private settle(level: number, from: number): boolean {
    const { ranks, winners, levels } = this;
    let best = from;
    let most = ranks[from] ?? OUT;
    for (let at = from + 1; at < from + WIDTH; at += 1) {
      const rank = ranks[at] ?? OUT;
      if (rank <= most) continue;
      most = rank;
      best = at;
    }
    const above = (levels[level + 1] ?? 0) + ((from - (levels[level] ?? 0)) >> SHIFT);
    const winner = winners[best] ?? 0;
    if (ranks[above] === most && winners[above] === winner) return false;
    ranks[above] = most;
    winners[above] = winner;
    return true;
  }
}
