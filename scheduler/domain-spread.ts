import { nodeAffinity } from "./filters/node-affinity.js";
import { nodeSelector } from "./filters/node-selector.js";
import { readiness } from "./filters/readiness.js";
import { taints } from "./filters/taints.js";
import type { PeerCount } from "./peer-count.js";
import { type SpreadTerm, selects } from "./peers.js";
import type { Shape } from "./shape.js";
import type { Snapshot } from "./snapshot.js";
import type { Topology } from "./topology.js";

/**
 * How the pods that a spread constraint counts stand over its domains. Only nodes that the constraint takes part count, pods and domains
 * alike, so the sums are the constraint's own: they are made anew when a counted pod came or went, which costs a look at each node that has one.
 */
export class DomainSpread {
  readonly asked: SpreadTerm;
  /** 1 when the pod that is placed counts too. */
  readonly own: 0 | 1;
  private readonly count: PeerCount;
  private readonly topology: Topology;
  private readonly takesPart: Uint8Array;
  /** Domains with a node that takes part. */
  private readonly domains: readonly number[];
  private readonly sums: Float64Array;
  private fewest = 0;
  private readAt = -1;

  constructor(asked: SpreadTerm, shape: Shape, snapshot: Snapshot, takesPart: Uint8Array) {
    this.asked = asked;
    this.own = selects(asked.term, shape) ? 1 : 0;
    this.count = snapshot.selectedBy(asked.term);
    this.topology = snapshot.topology(asked.term.topologyKey);
    this.takesPart = takesPart;
    this.sums = new Float64Array(this.topology.sizes.length);
    this.domains = [...new Set(this.topology.domains.filter((_, slot) => takesPart[slot] === 1))];
  }

  /** Grows whenever an answer may have changed. */
  get changes(): number {
    return this.count.changes;
  }

  /** Pods in the slot's domain beyond those in the emptiest one; undefined where the node lacks the label. */
  excess(slot: number): number | undefined {
    const domain = this.topology.domains[slot] ?? -1;
    if (domain < 0) return undefined;
    if (this.readAt !== this.count.changes) this.read();
    return (this.sums[domain] ?? 0) - this.fewest;
  }

  private read(): void {
    const { count, sums, topology, domains, takesPart, asked } = this;
    sums.fill(0);
    for (const [{ slot }, pods] of count.byNode) {
      const domain = topology.domains[slot] ?? -1;
      if (takesPart[slot] === 1) sums[domain] = (sums[domain] ?? 0) + pods;
    }
    const least = domains.reduce((fewest, domain) => Math.min(fewest, sums[domain] ?? 0), Number.POSITIVE_INFINITY);
    this.fewest = domains.length < asked.minDomains ? 0 : least;
    this.readAt = count.changes;
  }
}

/** Makes constraints ready for a shape. Nodes that lack the label of any of them take part in none, as in Kubernetes. */
export function domainSpreads(terms: readonly SpreadTerm[], shape: Shape, snapshot: Snapshot): readonly DomainSpread[] {
  const topologies = terms.map(({ term }) => snapshot.topology(term.topologyKey));
  return terms.map((asked) => {
    const fits = Uint8Array.from(snapshot.records, (_, slot) =>
      topologies.every(({ domains }) => (domains[slot] ?? -1) >= 0) ? 1 : 0,
    );
    const filters = [
      ...(asked.honoursAffinity ? [nodeSelector, nodeAffinity] : []),
      ...(asked.honoursTaints ? [readiness, taints] : []),
    ];
    for (const filter of filters) filter.prepare(shape, snapshot)?.sift(fits, 0, fits.length);
    return new DomainSpread(asked, shape, snapshot, fits);
  });
}
