import { limit } from "../lib/limits.js";
import type { Sieve } from "./filter.js";
import type { Scorer } from "./score.js";
import { regionsOf, type Topology } from "./topology.js";
import { OUT, Tournament } from "./tournament.js";

/** A scorer and how much its points count. */
export interface WeighedScorer {
  readonly scorer: Scorer;
  readonly weight: number;
}

/** What is asked once for all nodes of a region. */
interface Regional {
  readonly sieves: readonly Sieve[];
  readonly scorers: readonly WeighedScorer[];
}

/** What is asked of each node, and of each region. */
export interface Split {
  readonly sieves: readonly Sieve[];
  readonly scorers: readonly WeighedScorer[];
  readonly regional: Regional;
  readonly regions: readonly Int32Array[];
}

/**
 * Parts what filters and scores ask into what is each node's own and what is the same for all nodes of a region, such as a zone: a pod that
 * comes to a zone changes what is said of thousands of nodes, and of three regions.
 */
export function split(sieves: readonly Sieve[], scorers: readonly WeighedScorer[], slots: number): Split {
  const allSieves = sieves.flatMap((sieve) => sieve.parts ?? [sieve]);
  const allScorers = scorers.flatMap(({ scorer, weight }) =>
    (scorer.parts ?? [scorer]).map((part) => ({ scorer: part, weight })),
  );
  const topologies = [...allSieves, ...allScorers.map(({ scorer }) => scorer)].flatMap(({ region }) => region ?? []);
  const regions = regionsOf([...new Set<Topology>(topologies)], slots, limit("schedulerRegions"));
  const isRegional = ({ region }: Sieve | Scorer): boolean => regions !== undefined && region !== undefined;
  return {
    sieves: allSieves.filter((each) => !isRegional(each)),
    scorers: allScorers.filter(({ scorer }) => !isRegional(scorer)),
    regional: {
      sieves: allSieves.filter(isRegional),
      scorers: allScorers.filter(({ scorer }) => isRegional(scorer)),
    },
    regions: regions ?? [Int32Array.from({ length: slots }, (_, slot) => slot)],
  };
}

/** Who knows what each node has of its own. */
export interface Reader {
  /** True when nothing happened to the slot since it was ranked last. */
  isRead(slot: number): boolean;
  /** The points that the slot has now of its own. */
  read(slot: number): number;
}

/** Nodes that get the same answer to what is regional, and who of them is best. */
interface Contest {
  readonly slots: Int32Array;
  readonly tournament: Tournament;
}

/**
 * The best node of each region, and of all: nodes are ranked by what is each node's own, what is the region's is asked for each answer. Who may
 * have lost points is ranked by what he had until he is found at the top: most lose points again before that, and each move has a price.
 */
export class Regions {
  private readonly contests: readonly Contest[];
  private readonly regional: Regional;
  /** Which contest each slot is in, and where it stands there; empty where all are in one, in order. */
  private readonly regionOf: Int32Array;
  private readonly placeOf: Int32Array;
  private readonly reader: Reader;
  private readonly hasRegional: boolean;

  /** Of so many slots. */
  constructor({ regions, regional }: Split, slots: number, reader: Reader) {
    this.reader = reader;
    this.regional = regional;
    this.hasRegional = regional.sieves.length + regional.scorers.length > 0;
    this.contests = regions.map((slots) => ({ slots, tournament: new Tournament(slots.length) }));
    const length = regions.length > 1 ? slots : 0;
    this.regionOf = new Int32Array(length);
    this.placeOf = new Int32Array(length);
    if (length > 0)
      for (const [region, members] of regions.entries())
        for (const [place, slot] of members.entries()) {
          this.regionOf[slot] = region;
          this.placeOf[slot] = place;
        }
  }

  /** Takes all slots anew, with these points of their own. */
  play(points: Float64Array): void {
    for (const { slots, tournament } of this.contests) tournament.play(points, slots);
  }

  /** What the slot is ranked by: its own points, or more. */
  rankOf(slot: number): number {
    return this.tournamentOf(slot)?.rankOf(this.placeIn(slot)) ?? OUT;
  }

  /** Ranks a slot anew. */
  move(slot: number, rank: number): void {
    this.tournamentOf(slot)?.move(this.placeIn(slot), rank);
  }

  /** The best slot of those whose region fits; −1 when there is none. */
  best(): number {
    const { regional, contests } = this;
    const [only] = contests;
    if (!this.hasRegional) return only === undefined ? -1 : this.bestOf(only);
    let best = -1;
    let most = OUT;
    for (const contest of contests) {
      // What is regional any slot of the region can tell.
      const [any = 0] = contest.slots;
      if (!regional.sieves.every((sieve) => sieve.lets(any))) continue;
      let regions = 0;
      for (const { scorer, weight } of regional.scorers) regions += weight * scorer.at(any);
      // Whoever is at the top has no more than he is ranked by.
      if (contest.tournament.most + regions < most) continue;
      const slot = this.bestOf(contest);
      if (slot < 0) continue;
      const total = this.rankOf(slot) + regions;
      if (total < most || (total === most && slot > best)) continue;
      best = slot;
      most = total;
    }
    return best;
  }

  private bestOf({ slots, tournament }: Contest): number {
    const { reader } = this;
    let place = tournament.best;
    // Each turn but the last ranks one lower.
    while (place >= 0) {
      const slot = slots[place] ?? -1;
      // Nobody is ranked below his points: who is at the top by what he has is the best.
      if (reader.isRead(slot)) return slot;
      const points = reader.read(slot);
      if (points === tournament.most) return slot;
      place = tournament.sink(place, points);
    }
    return -1;
  }

  private tournamentOf(slot: number): Tournament | undefined {
    return this.contests[this.regionOf.length === 0 ? 0 : (this.regionOf[slot] ?? 0)]?.tournament;
  }

  private placeIn(slot: number): number {
    return this.placeOf.length === 0 ? slot : (this.placeOf[slot] ?? 0);
  }
}
