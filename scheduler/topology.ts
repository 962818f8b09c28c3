import type { NodeRecord } from "./node-record.js";

/** Which nodes are near each other by one node label: those of equal value are one domain. Good until a node object changes. */
export interface Topology {
  /** Number of the domain by slot; −1 where the node lacks the label. */
  readonly domains: Int32Array;
  /** Nodes by domain. */
  readonly sizes: readonly number[];
  /** Every domain is one node, as it is for the hostname. */
  readonly isFine: boolean;
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
  return { domains, sizes, isFine: sizes.every((size) => size === 1) };
}

/** What may be asked of one slot for all of its domain; undefined where domains are single nodes. */
export function regionOf(topology: Topology): Topology | undefined {
  return topology.isFine ? undefined : topology;
}

/** Slots that are in the same domain of every topology, in order of slot; undefined when there are too many such sets to be worth it. */
export function regionsOf(
  topologies: readonly Topology[],
  slots: number,
  most: number,
): readonly Int32Array[] | undefined {
  const members = new Map<string, number[]>();
  for (let slot = 0; slot < slots; slot += 1) {
    let key = "";
    for (const { domains } of topologies) key += `${domains[slot]},`;
    const region = members.get(key);
    if (region !== undefined) region.push(slot);
    else if (members.size >= most) return undefined;
    else members.set(key, [slot]);
  }
  return [...members.values()].map((each) => Int32Array.from(each));
}
