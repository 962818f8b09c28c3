/** The rank of who takes no part. */
export const OUT = Number.NEGATIVE_INFINITY;

/** Entries that are compared at once: as many ranks as one line of the processor's cache holds. */
const WIDTH = 8;
const SHIFT = 3;

/**
 * The best of many places while single ones change: a tree in which each entry of a level is the highest rank of eight below. The higher rank wins;
 * of equals the lower place. Who has the rank is not noted but looked up from the top: so a change ends where an equal takes the place of who sank,
 * which on nodes that are alike is nearly at once.
 */
export class Tournament {
  /** Of all levels, one after the other: places first, the top last. */
  private readonly ranks: Float64Array;
  /** Where the levels begin. */
  private readonly levels: Int32Array;
  /** The level of the top. */
  private readonly height: number;
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
    this.levels = Int32Array.from(levels);
    this.height = levels.length - 1;
    this.top = end;
    this.ranks = new Float64Array(end + 1).fill(OUT);
  }

  /** The best place; −1 when none takes part. */
  get best(): number {
    return this.most === OUT ? -1 : this.firstBelow(this.height, 0);
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
    const { ranks, levels } = this;
    for (let at = 0; at < placed.length; at += 1) ranks[at] = given[placed[at] ?? 0] ?? OUT;
    for (let level = 0; level < this.height; level += 1) {
      const end = levels[level + 1] ?? 0;
      let above = end;
      for (let from = levels[level] ?? 0; from < end; from += WIDTH) {
        ranks[above] = this.mostFrom(from);
        above += 1;
      }
    }
  }

  /** Ranks one place anew. */
  move(place: number, rank: number): void {
    this.ranks[place] = rank;
    this.climb(place);
  }

  /** Ranks the best place lower, and returns the one that is the best then; −1 when none takes part any more. */
  sink(place: number, rank: number): number {
    this.ranks[place] = rank;
    const level = this.climb(place);
    // Where the change ended stands an equal of who sank, and nobody before had as much: it is the first below there.
    return this.most === OUT ? -1 : this.firstBelow(level, place >> (SHIFT * level));
  }

  /** Brings the entries above a place up to date; returns the level of the last that it looked at. */
  private climb(place: number): number {
    const { ranks, levels, height } = this;
    let at = place;
    for (let level = 0; level < height; level += 1) {
      at >>= SHIFT;
      const above = (levels[level + 1] ?? 0) + at;
      const most = this.mostFrom((levels[level] ?? 0) + at * WIDTH);
      if (ranks[above] === most) return level + 1;
      ranks[above] = most;
    }
    return height;
  }

  /** The first place of those below an entry that has what it has. */
  private firstBelow(level: number, entry: number): number {
    const { ranks, levels } = this;
    const most = ranks[(levels[level] ?? 0) + entry] ?? OUT;
    let at = entry;
    for (let below = level - 1; below >= 0; below -= 1) {
      const begin = levels[below] ?? 0;
      const from = begin + at * WIDTH;
      let first = from;
      while (first < from + WIDTH - 1 && ranks[first] !== most) first += 1;
      at = first - begin;
    }
    return at;
  }

  /** The highest of the entries that are compared with the one there. */
  private mostFrom(from: number): number {
    const { ranks } = this;
    let most = ranks[from] ?? OUT;
    for (let at = from + 1; at < from + WIDTH; at += 1) {
      const rank = ranks[at] ?? OUT;
      if (rank > most) most = rank;
    }
    return most;
  }
}
