import { limit } from "../lib/limits.js";
import type { Sieve } from "./filter.js";
import { MAX_POINTS, type Scorer } from "./score.js";
import { regionsOf, type Topology } from "./topology.js";
import { Tournament } from "./tournament.js";

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

/** The best node of each region, and of all: what is each node's own is in `points` and `fits`, what is the region's is asked for each answer. */
export class Regions {
  private readonly tournaments: readonly Tournament[];
  private readonly regional: Regional;
  /** Most points that the regional scores can give. */
  private readonly most: number;
  private readonly points: Float64Array;
  private readonly regionOf: Int32Array;
  private readonly placeOf: Int32Array;
  private readonly regionFits: Uint8Array;
  private readonly regionPoints: Float64Array;

  constructor({ regions, regional }: Split, points: Float64Array) {
    this.points = points;
    this.regional = regional;
    this.most = regional.scorers.reduce((sum, { scorer, weight }) => sum + weight * (scorer.ceiling ?? MAX_POINTS), 0);
    this.tournaments = regions.map((slots) => new Tournament(slots, points));
    this.regionOf = new Int32Array(points.length);
    this.placeOf = new Int32Array(points.length);
    for (const [region, slots] of regions.entries())
      for (const [place, slot] of slots.entries()) {
        this.regionOf[slot] = region;
        this.placeOf[slot] = place;
      }
    const isAsked = regional.sieves.length + regional.scorers.length > 0;
    this.regionFits = new Uint8Array(isAsked ? points.length : 0);
    this.regionPoints = new Float64Array(isAsked ? points.length : 0);
  }

  /** Takes all slots anew. */
  play(fits: Uint8Array): void {
    for (const tournament of this.tournaments) tournament.play(fits);
  }

  /** Takes one slot anew. */
  replay(slot: number, isCandidate: boolean): void {
    this.tournaments[this.regionOf[slot] ?? 0]?.replay(this.placeOf[slot] ?? 0, slot, isCandidate);
  }

  /** The best slot of those whose region fits; −1 when there is none. */
  get best(): number {
    const [only] = this.tournaments;
    if (this.regionFits.length === 0) return only?.best ?? -1;
    let best = -1;
    let most = Number.NEGATIVE_INFINITY;
    for (const tournament of this.tournaments) {
      const slot = tournament.best;
      if (slot < 0) continue;
      const own = this.points[slot] ?? 0;
      if (own + this.most < most || !this.isRegionFitting(slot)) continue;
      const total = own + this.pointsOfRegion(slot);
      if (total < most || (total === most && slot > best)) continue;
      best = slot;
      most = total;
    }
    return best;
  }

  private isRegionFitting(slot: number): boolean {
    const { regionFits } = this;
    regionFits[slot] = 1;
    for (const sieve of this.regional.sieves) sieve.sift(regionFits, slot, slot + 1);
    return regionFits[slot] === 1;
  }

  private pointsOfRegion(slot: number): number {
    const { regionPoints } = this;
    regionPoints[slot] = 0;
    for (const { scorer, weight } of this.regional.scorers) scorer.add(regionPoints, weight, slot, slot + 1);
    return regionPoints[slot] ?? 0;
  }
}
