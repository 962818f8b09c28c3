import type { NodeRecord } from "./node-record.js";

/** Which nodes are near each other by one node label: those of equal value are one domain. Good until a node object changes. */
export interface Topology {
  /** Number of the domain by slot; −1 where the node lacks the label. */
  readonly domains: Int32Array;
  /** Nodes by domain. */
  readonly sizes: readonly number[];
}

/** Reads the domains of a label off the nodes, which are laid out. */
export function readTopology(topologyKey: string, records: readonly NodeRecord[]): Topology {
  const domains = new Int32Array(records.length).fill(-1);
  const sizes: number[] = [];
  const numbers = new Map<string, number>();
  for (const { node, slot } of records) {
    const labels = node?.metadata?.labels ?? {};
    const value = Object.hasOwn(labels, topologyKey) ? labels[topologyKey] : undefined;
    if (value === undefined) continue;
    const domain = numbers.get(value) ?? numbers.size;
    numbers.set(value, domain);
    domains[slot] = domain;
    sizes[domain] = (sizes[domain] ?? 0) + 1;
  }
  return { domains, sizes };
}
