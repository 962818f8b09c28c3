import type { Sieve } from "./filter.js";
import { FILTERS, POLICIES, type PolicyName, policyFor } from "./plugins.js";
import { Regions, type Scratch, split, type WeighedScorer } from "./regions.js";
import type { Shape } from "./shape.js";
import type { Load } from "./slot-loads.js";
import type { Snapshot } from "./snapshot.js";
import { OUT } from "./tournament.js";

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
  const scorers = POLICIES[policyFor(shape, policy, snapshot.devices)].flatMap(({ score, weight }) => {
    const scorer = score.prepare(shape, snapshot);
    return scorer === undefined ? [] : [{ scorer, weight }];
  });
  return { nodesVersion, termsVersion, sieves: prepareSieves(shape, snapshot), scorers };
}

/**
 * How the nodes stand for pods of one shape: who fits, with how many points, and who is best. A node where pods came and that can only have
 * lost points by them is looked at again when it would be the best; all other changes are read when a pod is to be placed; when those are too
 * many, everything is read.
 */
export class Standing {
  /** When it was asked last, by the count of whoever keeps it. */
  askedAt = 0;
  private readonly prepared: Prepared;
  private readonly snapshot: Snapshot;
  /** Slots that pass the filters whose answers depend on node objects alone. */
  private readonly allowed: Uint8Array;
  private readonly regions: Regions;
  private readonly scratch: Scratch;
  /** What is each node's own. */
  private readonly sieves: readonly Sieve[];
  private readonly scorers: readonly WeighedScorer[];
  /** Those whose answers may change at slots that nothing happened to. */
  private readonly farSighted: readonly (() => number)[];
  /** No filter lets a node in because a pod came there. */
  private readonly onlyTightens: boolean;
  /** At which of its changes each slot was looked at. */
  private readonly seen: Uint32Array;
  private position = -1;
  private farChanges = 0;

  /** `scratch` has a place for every slot, and may be used by others between calls. */
  constructor(prepared: Prepared, allowed: Uint8Array, snapshot: Snapshot, scratch: Scratch) {
    this.prepared = prepared;
    this.snapshot = snapshot;
    this.allowed = allowed;
    this.scratch = scratch;
    this.seen = new Uint32Array(allowed.length);
    const dynamic = prepared.sieves.filter(({ staticKey }) => staticKey === undefined);
    const parts = split(dynamic, prepared.scorers, allowed.length);
    this.sieves = parts.sieves;
    this.scorers = parts.scorers;
    this.regions = new Regions(parts, (slot) => this.pointsOf(slot), scratch);
    this.onlyTightens = parts.sieves.every(({ onlyTightens }) => onlyTightens === true);
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
    if (behind === undefined || farChanges !== this.farChanges || !this.catchUp(behind)) this.readAll();
    this.position = changed.position;
    this.farChanges = farChanges;
    return this.regions.best();
  }

  private readAll(): void {
    const { allowed, scratch } = this;
    const { fits, points } = scratch;
    fits.set(allowed);
    for (const sieve of this.sieves) sieve.sift(fits, 0, fits.length);
    points.fill(0);
    for (const { scorer, weight } of this.scorers) scorer.add(points, weight, 0, fits.length);
    for (let slot = 0; slot < fits.length; slot += 1) if (fits[slot] === 0) points[slot] = OUT;
    this.seen.set(this.snapshot.changed.versions);
    this.regions.play(points);
  }

  /** Ranks those slots higher that may have gained points by the last changes; false when so many may have that it is quicker to read all. */
  private catchUp(behind: number): boolean {
    const { changed } = this.snapshot;
    // A whole round costs about as much per slot as ten single ones cost for theirs.
    let left = this.allowed.length / 10 + 10;
    for (let at = changed.position - behind; at < changed.position; at += 1) {
      const load = changed.loadAt(at);
      if (load !== undefined && this.isFalling(load)) continue;
      const slot = changed.at(at);
      const points = this.pointsOf(slot);
      if (points !== this.regions.rankOf(slot)) this.regions.move(slot, points);
      left -= 1;
      if (left < 0) return false;
    }
    return true;
  }

  /** True when the slot cannot have gained by a pod that came. */
  private isFalling(load: Load): boolean {
    if (!this.onlyTightens) return false;
    let most = 0;
    for (const { scorer, weight } of this.scorers) {
      if (scorer.rise === undefined) return false;
      most += weight * scorer.rise(load);
    }
    return most <= 0;
  }

  /** The points that the slot has now of its own. */
  private pointsOf(slot: number): number {
    const { seen } = this;
    const version = this.snapshot.changed.versions[slot] ?? 0;
    if (seen[slot] === version) return this.regions.rankOf(slot);
    seen[slot] = version;
    if (this.allowed[slot] === 0) return OUT;
    const { fits, points } = this.scratch;
    fits[slot] = 1;
    for (const sieve of this.sieves) sieve.sift(fits, slot, slot + 1);
    if (fits[slot] === 0) return OUT;
    points[slot] = 0;
    for (const { scorer, weight } of this.scorers) scorer.add(points, weight, slot, slot + 1);
    return points[slot] ?? OUT;
  }
}
