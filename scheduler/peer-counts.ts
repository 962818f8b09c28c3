import { limit } from "../lib/limits.js";
import type { NodeRecord } from "./node-record.js";
import { PeerCount } from "./peer-count.js";
import { type PeerTerm, selects } from "./peers.js";
import type { Shape } from "./shape.js";

/** The counts that a shape has to do with; good until counts come or go. */
interface Ties {
  readonly epoch: number;
  readonly counting: readonly PeerCount[];
  readonly repelling: readonly PeerCount[];
  readonly liking: readonly PeerCount[];
  readonly disliking: readonly PeerCount[];
}

const noTies: Ties = { epoch: 0, counting: [], repelling: [], liking: [], disliking: [] };

/**
 * Counts of placed pods for the terms that pods ask about other pods. A term is counted from the first time that it is asked for; each
 * shape remembers which counts it is in. While no pod asks anything of others there is nothing to keep, and nothing is kept.
 */
export class PeerCounts {
  /** Grows when what was prepared for any shape may be good no longer: pods keep others away by a new term, or counts were dropped. */
  termsVersion = 0;
  /** Pods that a term selects. */
  private readonly selected = new Map<string, PeerCount>();
  /** Pods that hold a term as required anti-affinity. */
  private readonly holding = new Map<string, PeerCount>();
  /** Pods that hold a term as preferred affinity or anti-affinity, each counted as often as its weight says. */
  private readonly liking = new Map<string, PeerCount>();
  private readonly disliking = new Map<string, PeerCount>();
  private readonly tiesOf = new WeakMap<Shape, Ties>();
  /** Grows when counts come or go. */
  private epoch = 0;

  /** The pods that the term selects; counted now when it was not asked for before, which costs a look at every placed pod. */
  selectedBy(term: PeerTerm, nodes: Iterable<NodeRecord>): PeerCount {
    const known = this.selected.get(term.key);
    if (known !== undefined) return known;
    if (this.selected.size >= limit("schedulerPeerTerms")) {
      this.selected.clear();
      this.termsVersion += 1;
    }
    const count = new PeerCount(term);
    for (const record of nodes)
      for (const { shape } of record.pods.values()) if (selects(term, shape)) count.add(record, 1);
    this.selected.set(term.key, count);
    this.epoch += 1;
    return count;
  }

  /** The pods that by their required anti-affinity keep pods of the shape away, one count per term. */
  repelling(shape: Shape): readonly PeerCount[] {
    return this.ties(shape).repelling;
  }

  /** The pods that would like to have pods of the shape near, or far, one count of their weights per term. */
  drawing(shape: Shape): { readonly liking: readonly PeerCount[]; readonly disliking: readonly PeerCount[] } {
    return this.ties(shape);
  }

  /** True when where pods of the shape can run depends on other pods than those of the node. */
  isTied(shape: Shape): boolean {
    return shape.peers !== undefined || this.ties(shape).repelling.length > 0;
  }

  /** True when pods of the shape decide, by where they run, where others can. */
  isCounted(shape: Shape): boolean {
    const { antiAffinity = [] } = shape.peers ?? {};
    return antiAffinity.length > 0 || this.ties(shape).counting.length > 0;
  }

  /** Counts a pod of the shape on a node, or no longer. */
  charge(record: NodeRecord, shape: Shape, sign: 1 | -1): void {
    // While nobody asks anything, nothing is counted.
    if (this.epoch === 0 && shape.peers === undefined) return;
    const { antiAffinity = [], preferred = [] } = shape.peers ?? {};
    for (const term of antiAffinity) this.holders(this.holding, term).add(record, sign);
    for (const { term, weight } of preferred)
      this.holders(weight > 0 ? this.liking : this.disliking, term).add(record, sign * Math.abs(weight));
    for (const count of this.ties(shape).counting) count.add(record, sign);
  }

  private holders(holding: Map<string, PeerCount>, term: PeerTerm): PeerCount {
    const known = holding.get(term.key);
    if (known !== undefined) return known;
    if (holding.size >= limit("schedulerPeerTerms"))
      for (const [key, { byNode }] of holding) if (byNode.size === 0) holding.delete(key);
    const count = new PeerCount(term);
    holding.set(term.key, count);
    this.epoch += 1;
    this.termsVersion += 1;
    return count;
  }

  private ties(shape: Shape): Ties {
    if (this.epoch === 0) return noTies;
    const known = this.tiesOf.get(shape);
    if (known?.epoch === this.epoch) return known;
    const tying = (counts: ReadonlyMap<string, PeerCount>): readonly PeerCount[] =>
      [...counts.values()].filter(({ term }) => selects(term, shape));
    const ties = {
      epoch: this.epoch,
      counting: tying(this.selected),
      repelling: tying(this.holding),
      liking: tying(this.liking),
      disliking: tying(this.disliking),
    };
    this.tiesOf.set(shape, ties);
    return ties;
  }
}
