import type { Sieve } from "./filter.js";
import { FILTERS, POLICIES, type PolicyName } from "./plugins.js";
import type { Scorer } from "./score.js";
import type { Shape } from "./shape.js";
import type { Snapshot } from "./snapshot.js";
import { Tournament } from "./tournament.js";

/** Filters and scores made ready for one shape. Good until a node object changes. */
export interface Prepared {
  readonly sieves: readonly Sieve[];
  readonly scorers: readonly { readonly scorer: Scorer; readonly weight: number }[];
}

/** Asks every filter once what it has to say about a shape. */
export function prepareSieves(shape: Shape, snapshot: Snapshot): readonly Sieve[] {
  return FILTERS.map((filter) => filter.prepare(shape, snapshot)).filter((sieve) => sieve !== undefined);
}

/** Asks every plugin once what it has to say about a shape. */
export function prepare(shape: Shape, snapshot: Snapshot, policy: PolicyName): Prepared {
  const scorers = POLICIES[policy].flatMap(({ score, weight }) => {
    const scorer = score.prepare(shape, snapshot);
    return scorer === undefined ? [] : [{ scorer, weight }];
  });
  return { sieves: prepareSieves(shape, snapshot), scorers };
}

/**
 * How the nodes stand for pods of one shape: who fits, with how many points, and who is best. Catches up with the snapshot's changes slot
 * by slot; when too much has changed, it starts over.
 */
export class Standing {
  private readonly prepared: Prepared;
  private readonly snapshot: Snapshot;
  private readonly nodesVersion: number;
  /** Slots that pass the filters whose answers depend on node objects alone. */
  private readonly allowed: Uint8Array;
  private readonly fits: Uint8Array;
  private readonly dynamic: readonly Sieve[];
  private readonly tournament: Tournament;
  private position = -1;

  constructor(prepared: Prepared, allowed: Uint8Array, snapshot: Snapshot) {
    this.prepared = prepared;
    this.snapshot = snapshot;
    this.nodesVersion = snapshot.nodesVersion;
    this.allowed = allowed;
    this.fits = new Uint8Array(allowed.length);
    this.dynamic = prepared.sieves.filter(({ staticKey }) => staticKey === undefined);
    this.tournament = new Tournament(allowed.length);
  }

  /** False once a node object has changed: prepare anew. */
  get isCurrent(): boolean {
    return this.nodesVersion === this.snapshot.nodesVersion;
  }

  /** The slot where a pod of the shape should run; −1 when no node takes it. */
  best(): number {
    const { changed } = this.snapshot;
    const behind = changed.behind(this.position);
    // A whole round costs about as much per slot as ten single ones cost for theirs.
    if (behind === undefined || behind * 10 > this.allowed.length + 100) this.readAll();
    else for (let at = changed.position - behind; at < changed.position; at += 1) this.read(changed.at(at));
    this.position = changed.position;
    return this.tournament.best;
  }

  private readAll(): void {
    const { fits, tournament, allowed } = this;
    fits.set(allowed);
    for (const sieve of this.dynamic) sieve.sift(fits, 0, fits.length);
    tournament.points.fill(0);
    for (const { scorer, weight } of this.prepared.scorers) scorer.add(tournament.points, weight, 0, fits.length);
    tournament.play(fits);
  }

  private read(slot: number): void {
    const { fits, tournament } = this;
    fits[slot] = this.allowed[slot] ?? 0;
    if (fits[slot] === 0) return;
    for (const sieve of this.dynamic) sieve.sift(fits, slot, slot + 1);
    tournament.points[slot] = 0;
    for (const { scorer, weight } of this.prepared.scorers) scorer.add(tournament.points, weight, slot, slot + 1);
    tournament.replay(slot, fits[slot] === 1);
  }
}
