import { ChangedSlots } from "./changed-slots.js";
import type { NodeRecord } from "./node-record.js";
import type { PeerTerm } from "./peers.js";
import type { Topology } from "./topology.js";

const NOWHERE: Topology = { domains: new Int32Array(0), sizes: [], isFine: true };

/**
 * How many pods of a kind run on each node and in each domain of one topology, kept up to date pod by pod. Readers that keep answers for
 * slots look at `farChanges` to learn whether those still hold.
 */
export class PeerCount {
  readonly term: PeerTerm;
  /** Without zeros. */
  readonly byNode = new Map<NodeRecord, number>();
  /** Slots whose count changed. */
  readonly changed = new ChangedSlots(256);
  /** Grows when a change may matter at other slots than that of the node where it happened. */
  farChanges = 0;
  /** The domains that are counted by. */
  topology: Topology = NOWHERE;
  private sums = new Float64Array(0);
  private inDomains = 0;

  constructor(term: PeerTerm) {
    this.term = term;
  }

  /** Counts by the domains of this topology from now on. */
  follow(topology: Topology): void {
    if (this.topology === topology) return;
    this.topology = topology;
    this.sums = new Float64Array(topology.sizes.length);
    this.inDomains = 0;
    this.changed.reset(0);
    for (const [{ slot }, count] of this.byNode) this.addAt(slot, count);
  }

  /** Counts pods on a node, or no longer. */
  add(record: NodeRecord, count: number): void {
    const sum = (this.byNode.get(record) ?? 0) + count;
    if (sum > 0) this.byNode.set(record, sum);
    else this.byNode.delete(record);
    if (record.slot >= 0) this.changed.add(record.slot);
    const wereAny = this.inDomains > 0;
    const domain = this.addAt(record.slot, count);
    if (this.topology.sizes[domain] !== 1 || wereAny !== this.inDomains > 0) this.farChanges += 1;
  }

  /** True when no counted pod is in any domain. */
  get isNowhere(): boolean {
    return this.inDomains === 0;
  }

  /** Pods in the domain of the slot; undefined where the node has none. */
  at(slot: number): number | undefined {
    const domain = this.topology.domains[slot] ?? -1;
    return domain < 0 ? undefined : this.sums[domain];
  }

  private addAt(slot: number, count: number): number {
    const domain = this.topology.domains[slot] ?? -1;
    if (domain < 0) return domain;
    this.sums[domain] = (this.sums[domain] ?? 0) + count;
    this.inDomains += count;
    return domain;
  }
}
