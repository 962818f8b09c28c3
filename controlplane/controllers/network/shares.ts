import { slicePrefixLength } from "../../../kinds/network.js";
import { formatAddress, parseSubnet, type Subnet } from "../../../net/ipv4.js";
import { NetworkSlice, type NetworkSpec } from "../../../proto/gen/tallship/v1/network.js";

/** Which nodes there are, and which of them have pods of a network. */
export interface ShareWorld {
  /** Nodes of the cluster. */
  readonly nodes: ReadonlySet<string>;
  /** Nodes with pods of the network. */
  readonly wanting: ReadonlySet<string>;
}

/** The shares of a network, and the nodes that want one and get none. */
export interface Shares {
  readonly slices: readonly NetworkSlice[];
  readonly without: readonly string[];
}

/**
 * The shares of nodes, in order of their names. A share once given stays while its node is in the cluster, so that it is there when pods come back;
 * only when the range is used up do nodes without pods, whose shares are idle, lose theirs to those with. Pure, and done twice equals done once.
 */
export function shareOut(spec: NetworkSpec, before: readonly NetworkSlice[], { nodes, wanting }: ShareWorld): Shares {
  const kept = before.filter(({ nodeName }) => nodes.has(nodeName));
  const held = new Map(kept.map(({ nodeName, cidr }) => [nodeName, cidr]));
  const without: string[] = [];
  for (const nodeName of [...wanting].sort()) {
    if (held.has(nodeName)) continue;
    const cidr = freeShare(spec, [...held.values()]) ?? takenBack(held, wanting);
    if (cidr === undefined) without.push(nodeName);
    else held.set(nodeName, cidr);
  }
  const slices = [...held].map(([nodeName, cidr]) =>
    NetworkSlice.fromPartial({ nodeName, cidr, idle: !wanting.has(nodeName) }),
  );
  return { slices: slices.sort((one, other) => (one.nodeName < other.nodeName ? -1 : 1)), without };
}

/** Takes its share from the last node, by name, that has no pods. */
function takenBack(held: Map<string, string>, wanting: ReadonlySet<string>): string | undefined {
  const [idle] = [...held.keys()]
    .filter((nodeName) => !wanting.has(nodeName))
    .sort()
    .reverse();
  if (idle === undefined) return undefined;
  const cidr = held.get(idle);
  held.delete(idle);
  return cidr;
}

function freeShare(spec: NetworkSpec, taken: readonly string[]): string | undefined {
  const range = parseSubnet(spec.subnet);
  if (range === undefined) return undefined;
  const prefixLength = slicePrefixLength(spec);
  const size = 2 ** (32 - prefixLength);
  const held = new Set(taken.flatMap((cidr) => bases(parseSubnet(cidr), size)));
  for (let base = range.base; base < range.base + range.size; base += size)
    if (!held.has(base)) return `${formatAddress(base)}/${prefixLength}`;
  return undefined;
}

/** The shares of this size that a held one covers. */
function bases(held: Subnet | undefined, size: number): readonly number[] {
  if (held === undefined) return [];
  const first = held.base - (held.base % size);
  return Array.from({ length: Math.max(1, held.size / size) }, (_, at) => first + at * size);
}
