import { deepEqual } from "../lib/deep-equal.js";
import type { Node } from "../proto/gen/tallship/v1/node.js";
import type { Tenants } from "./tenants.js";

/** A node as the snapshot knows it. */
export interface NodeRecord {
  readonly name: string;
  /** Absent while only pods are known that name the node. */
  node: Node | undefined;
  /** Its place in the columns, which are in order of name; −1 while it has none. */
  slot: number;
  /** The pods that are bound here, assumed to be, or whose room is kept. */
  readonly pods: Tenants;
  /** Host ports in use: port, then address, then count. */
  readonly ports: Map<string, Map<string, number>>;
}

/** True when two states of a node place pods alike. Heartbeat times and the like do not count. */
export function isSamePlace(left: Node, right: Node): boolean {
  return (
    deepEqual(left.spec, right.spec) &&
    deepEqual(left.metadata?.labels, right.metadata?.labels) &&
    deepEqual(left.status?.allocatable, right.status?.allocatable) &&
    readyStatus(left) === readyStatus(right)
  );
}

function readyStatus(node: Node): string {
  return node.status?.conditions.find(({ type }) => type === "Ready")?.status ?? "";
}

/** Counts a host port of the node as in use, or no longer. */
export function countPort({ ports }: NodeRecord, port: string, hostIP: string, sign: 1 | -1): void {
  const byAddress = ports.get(port) ?? new Map<string, number>();
  const count = (byAddress.get(hostIP) ?? 0) + sign;
  if (count > 0) byAddress.set(hostIP, count);
  else byAddress.delete(hostIP);
  if (byAddress.size > 0) ports.set(port, byAddress);
  else ports.delete(port);
}
