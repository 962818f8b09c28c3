import { limit } from "../lib/limits.js";
import { dropOldest } from "./drop-oldest.js";
import { FILTERS, type PolicyName } from "./plugins.js";
import { MAX_POINTS } from "./points.js";
import { Preemptions } from "./preemptions.js";
import { RisingSlots } from "./rising-slots.js";
import type { Shape } from "./shape.js";
import type { Snapshot } from "./snapshot.js";
import { type Prepared, prepare, type Scratch, Standing } from "./standing.js";
import { UseGrid } from "./use-grid.js";

interface Mask {
  readonly nodesVersion: number;
  readonly fits: Uint8Array;
}

/** Where one way of looking gives way to another; absent: as limits say. */
interface Thresholds {
  /** With fewer nodes a look at all is quicker than a look for the best. */
  readonly gridFrom?: number;
  /** Standings that are kept. */
  readonly most?: number;
}

/**
 * Finds the best node for a shape. A shape that is asked for once is looked up by one pass over the columns; one that is asked for again
 * gets a standing that is kept, as long as there are not too many that are asked for sooner. What filters say of node objects alone is shared by all shapes with equal demands. All of this is only
 * memory: with an empty one every answer is the same.
 */
export class Standings {
  /** Who would have to make room. */
  readonly preemptions: Preemptions;
  private readonly snapshot: Snapshot;
  /** Where a shape does not say how it is placed. */
  readonly policy: PolicyName;
  private readonly rising: RisingSlots;
  private readonly byShape = new Map<Shape, Standing>();
  /** How often a standing was asked, in all. */
  private asked = 0;
  /** When shapes without a standing were asked for last. */
  private readonly passing = new Map<Shape, number>();
  private readonly masks = new Map<string, Mask>();
  private scratch: Scratch = { fits: new Uint8Array(0), points: new Float64Array(0) };
  private readonly grid: UseGrid;
  private readonly gridFrom: number;
  private readonly most: number;

  constructor(snapshot: Snapshot, policy: PolicyName, thresholds: Thresholds = {}) {
    this.grid = new UseGrid(snapshot);
    this.gridFrom = thresholds.gridFrom ?? limit("schedulerGridNodes");
    this.most = thresholds.most ?? limit("schedulerStandings");
    this.snapshot = snapshot;
    this.policy = policy;
    this.rising = new RisingSlots(snapshot, policy);
    this.preemptions = new Preemptions(snapshot, (shape) => this.allowed(shape));
  }

  /** The slot where a pod of the shape should run; −1 when no node takes it. */
  best(shape: Shape): number {
    this.snapshot.layOut();
    this.asked += 1;
    const known = this.byShape.get(shape);
    if (known === undefined && !this.isWorthStanding(shape)) {
      // Not a weak map: the collector has to go through those at each turn, and most shapes that differ are asked for once.
      if (this.passing.size >= limit("schedulerShapes")) this.passing.clear();
      this.passing.set(shape, this.asked);
      return this.scan(prepare(shape, this.snapshot, this.policy), this.allowed(shape));
    }
    const standing = known?.isCurrent === true ? known : this.build(shape);
    this.rising.catchUp();
    standing.askedAt = this.asked;
    return standing.best();
  }

  /** True when the shape comes again, and sooner than one of those that have the standings that there may be. */
  private isWorthStanding(shape: Shape): boolean {
    const before = this.passing.get(shape);
    if (before === undefined) return false;
    return this.byShape.size < this.most || this.longestUnasked().since < before;
  }

  private build(shape: Shape): Standing {
    const prepared = prepare(shape, this.snapshot, this.policy);
    this.rising.meet(shape);
    const { snapshot, rising } = this;
    const ground = { allowed: this.allowed(shape), snapshot, scratch: this.scratchFor(), rising };
    const standing = new Standing(prepared, ground);
    standing.askedAt = this.asked;
    this.passing.delete(shape);
    this.byShape.set(shape, standing);
    const { shape: oldest } = this.byShape.size > this.most ? this.longestUnasked() : {};
    if (oldest !== undefined) this.byShape.delete(oldest);
    return standing;
  }

  /** Of the shapes with a standing that which was not asked for the longest, and since when. */
  private longestUnasked(): { readonly shape: Shape | undefined; readonly since: number } {
    let oldest: Shape | undefined;
    let since = Number.POSITIVE_INFINITY;
    for (const [shape, { askedAt }] of this.byShape) {
      if (askedAt >= since) continue;
      oldest = shape;
      since = askedAt;
    }
    return { shape: oldest, since };
  }

  private scan(prepared: Prepared, allowed: Uint8Array): number {
    const { length } = allowed;
    const { fits, points } = this.scratchFor();
    const found = length < this.gridFrom ? undefined : this.seek(prepared, allowed);
    if (found !== undefined) return found;
    fits.set(allowed);
    for (const sieve of prepared.sieves) sieve.sift(fits, 0, length);
    points.fill(0);
    for (const { scorer, weight } of prepared.scorers) scorer.add(points, weight, 0, length);
    let best = -1;
    let most = Number.NEGATIVE_INFINITY;
    for (let slot = 0; slot < length; slot += 1) {
      const own = points[slot] ?? 0;
      if (own <= most || fits[slot] === 0) continue;
      best = slot;
      most = own;
    }
    return best;
  }

  private scratchFor(): Scratch {
    const { length } = this.snapshot.records;
    if (this.scratch.fits.length !== length)
      this.scratch = { fits: new Uint8Array(length), points: new Float64Array(length) };
    return this.scratch;
  }

  /** Looks only where the best node can be, by what is used there; undefined when that is no quicker than to look everywhere. */
  private seek({ sieves, scorers }: Prepared, allowed: Uint8Array): number | undefined {
    const using = scorers.filter(({ scorer }) => scorer.within !== undefined);
    const others = scorers.filter(({ scorer }) => scorer.within === undefined);
    const ceiling = others.reduce((sum, { scorer, weight }) => sum + weight * (scorer.ceiling ?? MAX_POINTS), 0);
    let spare = 0;
    return this.grid.best({
      budget: Math.max(64, allowed.length / 8),
      mostIn: (box) => {
        let most = ceiling;
        for (const { scorer, weight } of using) most += weight * (scorer.within?.(box) ?? MAX_POINTS);
        return most;
      },
      pointsAt: (slot) => {
        if (allowed[slot] === 0) return Number.NEGATIVE_INFINITY;
        for (const sieve of sieves) if (!sieve.lets(slot)) return Number.NEGATIVE_INFINITY;
        let points = 0;
        for (const { scorer, weight } of others) points += weight * scorer.at(slot);
        spare = ceiling - points;
        for (const { scorer, weight } of using) points += weight * scorer.at(slot);
        return points;
      },
      spare: () => spare,
    });
  }

  /** Slots that pass the filters whose answers depend on node objects alone. Shared: nobody writes it. */
  allowed(shape: Shape): Uint8Array {
    const { nodesVersion, records } = this.snapshot;
    const known = this.masks.get(shape.place);
    if (known?.nodesVersion === nodesVersion) return known.fits;
    const mask = { nodesVersion, fits: new Uint8Array(records.length).fill(1) };
    for (const filter of FILTERS)
      if (filter.isStatic === true) filter.prepare(shape, this.snapshot)?.sift(mask.fits, 0, records.length);
    this.masks.delete(shape.place);
    this.masks.set(shape.place, mask);
    dropOldest(this.masks, limit("schedulerMasks"));
    return mask.fits;
  }
}
