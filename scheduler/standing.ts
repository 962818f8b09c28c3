import type { Filter, Sieve } from "./filter.js";
import { FILTERS, POLICIES, type PolicyName, policyFor } from "./plugins.js";
import { type Reader, Regions, split, type WeighedScorer } from "./regions.js";
import type { RisingSlots } from "./rising-slots.js";
import type { Shape } from "./shape.js";
import type { Load, SlotLoads } from "./slot-loads.js";
import type { Snapshot } from "./snapshot.js";
import { OUT } from "./tournament.js";

/** Filters and scores made ready for one shape. Good until a node object changes, what is known of images does, or a term by which pods keep others away comes up. */
export interface Prepared {
  readonly nodesVersion: number;
  readonly termsVersion: number;
  readonly imagesVersion: number;
  /** Of filters whose answers depend on what runs on a node. */
  readonly sieves: readonly Sieve[];
  readonly scorers: readonly WeighedScorer[];
  /** By which policy it is scored. */
  readonly policy: PolicyName;
}

/** Asks every filter once what it has to say about a shape. */
export function prepareSieves(shape: Shape, snapshot: Snapshot): readonly Sieve[] {
  return sievesOf(FILTERS, shape, snapshot);
}

/** Asks those filters once whose answers depend on what runs on a node. */
export function prepareDynamic(shape: Shape, snapshot: Snapshot): readonly Sieve[] {
  return sievesOf(DYNAMIC, shape, snapshot);
}

function sievesOf(filters: readonly Filter[], shape: Shape, snapshot: Snapshot): readonly Sieve[] {
  const sieves: Sieve[] = [];
  for (const filter of filters) {
    const sieve = filter.prepare(shape, snapshot);
    if (sieve !== undefined) sieves.push(sieve);
  }
  return sieves;
}

const DYNAMIC: readonly Filter[] = FILTERS.filter(({ isStatic }) => isStatic !== true);

/** Asks every plugin once what it has to say about a shape. */
export function prepare(shape: Shape, snapshot: Snapshot, policy: PolicyName): Prepared {
  // Read first: what is prepared may be the very thing that drops what was prepared before.
  const { nodesVersion } = snapshot;
  const { termsVersion } = snapshot.peers;
  const imagesVersion = snapshot.images.version;
  const own = policyFor(shape, policy, snapshot.devices);
  const scorers: WeighedScorer[] = [];
  for (const { score, weight } of POLICIES[own]) {
    const scorer = score.prepare(shape, snapshot);
    if (scorer !== undefined) scorers.push({ scorer, weight });
  }
  const sieves = prepareDynamic(shape, snapshot);
  return { nodesVersion, termsVersion, imagesVersion, sieves, scorers, policy: own };
}

/**
 * How the nodes stand for pods of one shape: who fits, with how many points, and who is best. A node where pods came and that can only have
 * lost points by them is looked at again when it would be the best; all other changes are read when a pod is to be placed; when those are too
 * many, everything is read.
 */
export class Standing implements Reader {
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
  /** The changes that have to be read. */
  private readonly changed: SlotLoads;
  private position = -1;
  private farChanges = 0;

  /** `scratch` has a place for every slot, and may be used by others between calls; `rising` has met the shape, and is kept up to date by whoever asks. */
  constructor(prepared: Prepared, { allowed, snapshot, scratch, rising }: Ground) {
    this.prepared = prepared;
    this.snapshot = snapshot;
    this.allowed = allowed;
    this.scratch = scratch;
    this.seen = new Uint32Array(allowed.length);
    const parts = split(prepared.sieves, prepared.scorers, allowed.length);
    this.sieves = parts.sieves;
    this.scorers = parts.scorers;
    this.regions = new Regions(parts, allowed.length, this);
    this.onlyTightens = parts.sieves.every(({ onlyTightens }) => onlyTightens === true);
    const isRiseKnown =
      this.onlyTightens &&
      this.scorers.every(({ scorer }) => scorer.isRiseKnown === true) &&
      prepared.policy === rising.policy;
    this.changed = isRiseKnown ? rising.changed : snapshot.changed;
    this.farSighted = [...this.sieves, ...this.scorers.map(({ scorer }) => scorer)].flatMap(
      ({ farChanges }) => farChanges ?? [],
    );
  }

  /** False once what was prepared is good no longer: prepare anew. */
  get isCurrent(): boolean {
    const { nodesVersion, termsVersion, imagesVersion } = this.prepared;
    const { snapshot } = this;
    return (
      nodesVersion === snapshot.nodesVersion &&
      termsVersion === snapshot.peers.termsVersion &&
      imagesVersion === snapshot.images.version
    );
  }

  /** The slot where a pod of the shape should run; −1 when no node takes it. */
  best(): number {
    const { changed } = this;
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
    const { changed } = this;
    // A whole round costs about as much per slot as ten single ones cost for theirs.
    let left = this.allowed.length / 10 + 10;
    for (let at = changed.position - behind; at < changed.position; at += 1) {
      const load = changed.loadAt(at);
      if (load !== undefined && this.isFalling(load)) continue;
      const slot = changed.at(at);
      if (!this.isRead(slot)) this.regions.move(slot, this.read(slot));
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

  /** True when nothing happened to the slot since it was ranked last. */
  isRead(slot: number): boolean {
    return this.seen[slot] === this.snapshot.changed.versions[slot];
  }

  /** The points that the slot has now of its own. */
  read(slot: number): number {
    this.seen[slot] = this.snapshot.changed.versions[slot] ?? 0;
    if (this.allowed[slot] === 0) return OUT;
    for (const sieve of this.sieves) if (!sieve.lets(slot)) return OUT;
    let points = 0;
    for (const { scorer, weight } of this.scorers) points += weight * scorer.at(slot);
    return points;
  }
}

/** What standings of one snapshot share. */
export interface Ground {
  /** Slots that pass the filters whose answers depend on node objects alone. */
  readonly allowed: Uint8Array;
  readonly snapshot: Snapshot;
  readonly scratch: Scratch;
  readonly rising: RisingSlots;
}

/** Memory for answers about all slots. */
export interface Scratch {
  readonly fits: Uint8Array;
  readonly points: Float64Array;
}
