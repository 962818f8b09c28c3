import { TallshipError } from "../../lib/errors.js";
import { LatestSave } from "../../lib/latest-save.js";
import { limit } from "../../lib/limits.js";

/** Ids of the host, users and groups alike, from `first` on. */
export interface IdRange {
  readonly first: number;
  readonly count: number;
}

/** First id of each pod's range, by uid. */
export type HeldIds = ReadonlyMap<string, number>;

/** Edge: what outlives the agent. */
export interface PodIdsEdges {
  /** What the node may give to pods. */
  readonly range: IdRange;
  /** What was saved last; empty when nothing was. */
  load(): HeldIds;
  /** Resolves when it would survive a power cut. */
  save(held: HeldIds): Promise<void>;
}

/**
 * Gives pods ranges of ids that no other pod has. A range is on disk before it is used and the pod's until it is gone, over the agent's
 * death and the host's: what a container wrote into its root file system belongs to these ids.
 */
export class PodIds {
  private readonly edges: PodIdsEdges;
  private readonly held: Map<string, number>;
  /** Pods whose ranges are being given back: they are nobody else's before that is on disk. */
  private readonly leaving = new Set<string>();
  private readonly kept: LatestSave;

  constructor(edges: PodIdsEdges) {
    this.edges = edges;
    this.held = new Map(edges.load());
    this.kept = new LatestSave(() => edges.save(new Map([...this.held].filter(([uid]) => !this.leaving.has(uid)))));
  }

  /** Pods that have a range, though nothing else may be left of them. */
  pods(): readonly string[] {
    return [...this.held.keys()].sort();
  }

  /** What a pod has; undefined when that is nothing. */
  of(uid: string): IdRange | undefined {
    const first = this.held.get(uid);
    return first === undefined ? undefined : { first, count: limit("podUserIds") };
  }

  /** The pod's range, the same each time until it is released: the lowest that is free. Throws resource_exhausted when none is. */
  async claim(uid: string): Promise<IdRange> {
    const count = limit("podUserIds");
    const first = this.held.get(uid) ?? this.give(uid, count);
    if (this.leaving.delete(uid)) this.kept.changed();
    await this.kept.saved();
    return { first, count };
  }

  /** Gives the pod's range back; again is no error. */
  async release(uid: string): Promise<void> {
    if (!this.held.has(uid)) return;
    this.leaving.add(uid);
    this.kept.changed();
    await this.kept.saved();
    // Who has claimed it again meanwhile keeps it.
    if (this.leaving.delete(uid)) this.held.delete(uid);
  }

  private give(uid: string, count: number): number {
    const first = this.lowestFree(count);
    this.held.set(uid, first);
    this.kept.changed();
    return first;
  }

  private lowestFree(count: number): number {
    const { range } = this.edges;
    const taken = new Set(this.held.values());
    for (let first = range.first; first + count <= range.first + range.count; first += count)
      if (!isTaken(taken, { first, count })) return first;
    throw new TallshipError(
      "resource_exhausted",
      `user ids: all ${range.count} from ${range.first} on are given to ${this.held.size} pods`,
    );
  }
}

/** Ranges of another setting of the node's may begin anywhere. */
function isTaken(taken: ReadonlySet<number>, { first, count }: IdRange): boolean {
  if (taken.has(first)) return true;
  for (const other of taken) if (other < first + count && first < other + count) return true;
  return false;
}

/**
 * The ids that the host gives to pods: those that /etc/subuid and /etc/subgid both give to the user `tallship`, else a range above
 * everybody's. Throws failed_precondition when the two files differ, or give less than one pod needs.
 */
export function nodeIdRange(subuid: string, subgid: string): IdRange {
  const [users, groups] = [rangeIn(subuid), rangeIn(subgid)];
  if (users === undefined && groups === undefined)
    return { first: limit("nodeUserIdFirst"), count: limit("nodeUserIds") };
  if (users === undefined || groups === undefined || users.first !== groups.first || users.count !== groups.count)
    throw new TallshipError(
      "failed_precondition",
      "user ids: /etc/subuid and /etc/subgid must give the user tallship the same range",
    );
  if (users.first >= limit("podUserIds") && users.count >= limit("podUserIds")) return users;
  throw new TallshipError(
    "failed_precondition",
    `user ids: /etc/subuid gives tallship ${users.count} from ${users.first} on, want at least ${limit("podUserIds")}, not below ${limit("podUserIds")}`,
  );
}

function rangeIn(text: string): IdRange | undefined {
  const [, first, count] = /^tallship:(\d{1,10}):(\d{1,10})$/m.exec(text) ?? [];
  return first === undefined ? undefined : { first: Number(first), count: Number(count) };
}
