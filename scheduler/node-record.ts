import { GPU_MEMORY, isDeviceShare, WHOLE_DEVICE } from "../kinds/gpu-share.js";
import { deepEqual } from "../lib/deep-equal.js";
import { limit } from "../lib/limits.js";
import type { Node } from "../proto/gen/tallship/v1/node.js";
import { type Board, type Device, devicesOn, isGpu } from "./devices/board.js";
import { amountOf } from "./pod-requests.js";
import type { Tenant } from "./tenant.js";
import type { Numbered, Tenants } from "./tenants.js";

/** A node as the snapshot knows it. */
export interface NodeRecord {
  readonly name: string;
  /** Absent while only pods are known that name the node. */
  node: Node | undefined;
  /** Its place in the columns, which are in order of name; −1 while it has none. */
  slot: number;
  /** The pods that are bound here, assumed to be, or whose room is kept. */
  readonly pods: Tenants<Placed>;
  /** Host ports in use: port, then address, then count. */
  readonly ports: Map<string, Map<string, number>>;
  /** Its devices, in order of name; empty: it does not tell them apart. */
  devices: readonly Device[];
  /** What is free of them; undefined: to be found anew. */
  board: Board | undefined;
}

/** A pod where it is counted. */
export interface Placed extends Tenant, Numbered {
  readonly record: NodeRecord;
}

/** How much of a resource pods may use of a node. A node that does not say how many pods it takes is taken to take as many as any may. */
export function allocatableOf(node: Node | undefined, resource: string): number {
  const given = node?.status?.allocatable[resource];
  if (given !== undefined) return amountOf(resource, given);
  if (isDeviceShare(resource)) return sharesOf(node, resource);
  return resource === "pods" ? limit("podsPerNode") : 0;
}

/** True when two states of a node place pods alike. Heartbeat times and the like do not count. */
export function isSamePlace(left: Node, right: Node): boolean {
  return (
    deepEqual(left.spec, right.spec) &&
    deepEqual(left.metadata?.labels, right.metadata?.labels) &&
    deepEqual(left.status?.allocatable, right.status?.allocatable) &&
    deepEqual(left.status?.devices, right.status?.devices) &&
    readyStatus(left) === readyStatus(right)
  );
}

/** Shares of devices that a node tells of, where it does not say itself how much of them it has. */
function sharesOf(node: Node | undefined, resource: string): number {
  const gpus = devicesOn(node, () => 0).filter(isGpu);
  return gpus.reduce((sum, { memoryBytes }) => sum + (resource === GPU_MEMORY ? memoryBytes : WHOLE_DEVICE), 0);
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
