import type { Sieve } from "./filter.js";
import { FILTERS, POLICIES, type PolicyName } from "./plugins.js";
import { Regions, split, type WeighedScorer } from "./regions.js";
import type { Scorer } from "./score.js";
import type { Shape } from "./shape.js";
import type { Snapshot } from "./snapshot.js";

/** Filters and scores made ready for one shape. Good until a node object changes, or a term by which pods keep others away comes up. */
export interface Prepared {
  readonly nodesVersion: number;
  readonly termsVersion: number;
  readonly sieves: readonly Sieve[];
  readonly scorers: readonly WeighedScorer[];
}

/** Asks every filter once what it has to say about a shape. */
export function prepareSieves(shape: Shape, snapshot: Snapshot): readonly Sieve[] {
  return FILTERS.map((filter) => filter.prepare(shape, snapshot)).filter((sieve) => sieve !== undefined);
}

/** Asks every plugin once what it has to say about a shape. */
export function prepare(shape: Shape, snapshot: Snapshot, policy: PolicyName): Prepared {
  // Read first: what is prepared may be the very thing that drops what was prepared before.
  const { nodesVersion } = snapshot;
  const { termsVersion } = snapshot.peers;
  const scorers = POLICIES[shape.placement ?? policy].flatMap(({ score, weight }) => {
    const scorer = score.prepare(shape, snapshot);
    return scorer === undefined ? [] : [{ scorer, weight }];
  });
  return { nodesVersion, termsVersion, sieves: prepareSieves(shape, snapshot), scorers };
}

/**
 * How the nodes stand for pods of one shape: who fits, with how many points, and who is best. Catches up with the snapshot's changes slot
 * by slot; when too much has changed, it starts over.
 */
export class Standing {
  private readonly prepared: Prepared;
  private readonly snapshot: Snapshot;
  /** Slots that pass the filters whose answers depend on node objects alone. */
  private readonly allowed: Uint8Array;
  private readonly fits: Uint8Array;
  private readonly points: Float64Array;
  private readonly regions: Regions;
  /** What is each node's own. */
  private readonly sieves: readonly Sieve[];
  private readonly scorers: readonly WeighedScorer[];
  /** Those whose answers may change at slots that nothing happened to. */
  private readonly farSighted: readonly (() => number)[];
  /** When it was asked last, by the count of whoever keeps it; undefined: never. */
  askedAt: number | undefined;
  private position = -1;
  private farChanges = 0;

  constructor(prepared: Prepared, allowed: Uint8Array, snapshot: Snapshot) {
    this.prepared = prepared;
    this.snapshot = snapshot;
    this.allowed = allowed;
    this.fits = new Uint8Array(allowed.length);
    this.points = new Float64Array(allowed.length);
    const dynamic = prepared.sieves.filter(({ staticKey }) => staticKey === undefined);
    const parts = split(dynamic, prepared.scorers, allowed.length);
    this.sieves = parts.sieves;
    this.scorers = parts.scorers;
    this.regions = new Regions(parts, this.points);
    this.farSighted = [...this.sieves, ...this.scorers.map(({ scorer }) => scorer)].flatMap(
      ({ farChanges }) => farChanges ?? [],
    );
  }

  /** False once what was prepared is good no longer: prepare anew. */
  get isCurrent(): boolean {
    const { nodesVersion, termsVersion } = this.prepared;
    return nodesVersion === this.snapshot.nodesVersion && termsVersion === this.snapshot.peers.termsVersion;
  }

  /** The slot where a pod of the shape should run; −1 when no node takes it. */
  best(): number {
    const { changed } = this.snapshot;
    const behind = changed.behind(this.position);
    let farChanges = 0;
    for (const ask of this.farSighted) farChanges += ask();
    // A whole round costs about as much per slot as ten single ones cost for theirs.
    if (behind === undefined || farChanges !== this.farChanges || behind * 10 > this.allowed.length + 100)
      this.readAll();
    else this.read(behind);
    this.position = changed.position;
    this.farChanges = farChanges;
    return this.regions.best;
  }

  private readAll(): void {
    const { fits, points, allowed } = this;
    fits.set(allowed);
    for (const sieve of this.sieves) sieve.sift(fits, 0, fits.length);
    points.fill(0);
    for (const { scorer, weight } of this.scorers) scorer.add(points, weight, 0, fits.length);
    this.regions.play(fits);
  }

  /** Takes the slots of so many changes anew. */
  private read(behind: number): void {
    if (behind === 0) return;
    const { fits, points, allowed } = this;
    const { changed } = this.snapshot;
    const { slots, count } = changed.since(changed.position - behind, allowed.length);
    for (let at = 0; at < count; at += 1) {
      const slot = slots[at] ?? 0;
      fits[slot] = allowed[slot] ?? 0;
      points[slot] = 0;
    }
    for (const sieve of this.sieves) siftEach(sieve, fits, slots, count);
    for (const { scorer, weight } of this.scorers) addEach(scorer, points, weight, slots, count);
    for (let at = 0; at < count; at += 1) {
      const slot = slots[at] ?? 0;
      this.regions.replay(slot, fits[slot] === 1);
    }
  }
}

function siftEach(sieve: Sieve, fits: Uint8Array, slots: Int32Array, count: number): void {
  if (sieve.siftEach !== undefined) {
    sieve.siftEach(fits, slots, count);
    return;
  }
  for (let at = 0; at < count; at += 1) {
    const slot = slots[at] ?? 0;
    sieve.sift(fits, slot, slot + 1);
  }
}

function addEach(scorer: Scorer, points: Float64Array, weight: number, slots: Int32Array, count: number): void {
  if (scorer.addEach !== undefined) {
    scorer.addEach(points, weight, slots, count);
    return;
  }
  for (let at = 0; at < count; at += 1) {
    const slot = slots[at] ?? 0;
    scorer.add(points, weight, slot, slot + 1);
  }
}
