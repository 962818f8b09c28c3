import { nodeAffinity } from "./filters/node-affinity.js";
import { nodeSelector } from "./filters/node-selector.js";
import { readiness } from "./filters/readiness.js";
import { taints } from "./filters/taints.js";
import type { NodeRecord } from "./node-record.js";
import type { PeerCount } from "./peer-count.js";
import { type SpreadTerm, selects } from "./peers.js";
import type { Shape } from "./shape.js";
import type { Snapshot } from "./snapshot.js";
import type { Topology } from "./topology.js";

/**
 * How the pods that a spread constraint counts stand over its domains. Only nodes that the constraint takes part count, pods and domains
 * alike, so the sums are the constraint's own; they are kept up to date slot by slot.
 */
export class DomainSpread {
  readonly asked: SpreadTerm;
  /** 1 when the pod that is placed counts too. */
  readonly own: 0 | 1;
  readonly topology: Topology;
  private readonly count: PeerCount;
  private readonly records: readonly NodeRecord[];
  private readonly takesPart: Uint8Array;
  /** Counted pods by slot, of nodes that take part. */
  private readonly pods: Int32Array;
  private readonly sums: Int32Array;
  /** How many domains with a node that takes part have each sum. */
  private readonly domainsBySum: number[] = [];
  private readonly hasTooFewDomains: boolean;
  private fewest = 0;
  private fewestChanges = 0;
  private readAt = -1;

  constructor(asked: SpreadTerm, shape: Shape, snapshot: Snapshot, takesPart: Uint8Array) {
    this.asked = asked;
    this.own = selects(asked.term, shape) ? 1 : 0;
    this.count = snapshot.selectedBy(asked.term);
    this.topology = this.count.topology;
    this.records = snapshot.records;
    this.takesPart = takesPart;
    this.pods = new Int32Array(takesPart.length);
    this.sums = new Int32Array(this.topology.sizes.length).fill(-1);
    for (const [slot, domain] of this.topology.domains.entries()) if (takesPart[slot] === 1) this.sums[domain] = 0;
    const domains = this.sums.filter((sum) => sum === 0).length;
    this.domainsBySum[0] = domains;
    this.hasTooFewDomains = domains < asked.minDomains;
  }

  /** Grows whenever an answer may have changed at another slot than where a pod came or went. */
  get farChanges(): number {
    if (!this.topology.isFine) return this.count.changed.position;
    this.catchUp();
    return this.fewestChanges;
  }

  /** Pods in the slot's domain beyond those in the emptiest one; undefined where the node lacks the label. */
  excess(slot: number): number | undefined {
    const domain = this.topology.domains[slot] ?? -1;
    if (domain < 0) return undefined;
    this.catchUp();
    return Math.max(0, this.sums[domain] ?? 0) - (this.hasTooFewDomains ? 0 : this.fewest);
  }

  private catchUp(): void {
    const { changed, byNode } = this.count;
    if (this.readAt === changed.position) return;
    const behind = changed.behind(this.readAt);
    if (behind === undefined) for (const { slot } of this.records) this.read(slot, byNode);
    else for (let at = changed.position - behind; at < changed.position; at += 1) this.read(changed.at(at), byNode);
    this.readAt = changed.position;
  }

  private read(slot: number, byNode: PeerCount["byNode"]): void {
    const record = this.records[slot];
    if (this.takesPart[slot] !== 1 || record === undefined) return;
    const pods = byNode.get(record) ?? 0;
    const more = pods - (this.pods[slot] ?? 0);
    if (more === 0) return;
    this.pods[slot] = pods;
    const domain = this.topology.domains[slot] ?? -1;
    const before = this.sums[domain] ?? 0;
    this.sums[domain] = before + more;
    this.domainsBySum[before] = (this.domainsBySum[before] ?? 0) - 1;
    this.domainsBySum[before + more] = (this.domainsBySum[before + more] ?? 0) + 1;
    this.findFewest(before + more);
  }

  private findFewest(touched: number): void {
    const was = this.fewest;
    if (touched < this.fewest) this.fewest = touched;
    while ((this.domainsBySum[this.fewest] ?? 0) === 0) this.fewest += 1;
    if (this.fewest !== was) this.fewestChanges += 1;
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
