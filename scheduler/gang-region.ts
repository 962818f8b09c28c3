import type { PendingPod } from "./attempt.js";
import type { Shape } from "./shape.js";
import type { Snapshot } from "./snapshot.js";
import type { Standings } from "./standings.js";

/** A value of a node label, and for how many pods its nodes have room at most. */
interface Region {
  readonly value: string;
  readonly capacity: number;
}

/** What is asked of regions. */
export interface RegionDemand {
  readonly pods: readonly PendingPod[];
  readonly least: number;
  /** Node label whose values are the regions; empty: all nodes are one. */
  readonly topologyKey: string;
  /** Pods of lower priority count as if they were gone. */
  readonly mayPreempt: boolean;
}

/**
 * The values of a node label whose nodes may have room for enough of the pods, by their requests alone: the smallest first, so that a gang takes
 * the region that it fills best and large ones stay whole; then by value. The empty value stands for all nodes.
 */
export function regionsFor(snapshot: Snapshot, standings: Standings, demand: RegionDemand): readonly string[] {
  const { pods, least, topologyKey, mayPreempt } = demand;
  const counts = new Map<Shape, number>();
  for (const { shape } of pods) counts.set(shape, (counts.get(shape) ?? 0) + 1);
  let found: ReadonlyMap<string, number> | undefined;
  for (const [shape, count] of counts) {
    const priority = mayPreempt ? (pods.find((pod) => pod.shape === shape)?.tenure?.priority ?? 0) : undefined;
    // Of other shapes all might find room: so many of this one must.
    const need = Math.max(0, least - (pods.length - count));
    const capacities = capacitiesOf(snapshot, standings, { shape, topologyKey, priority, need });
    const before = found;
    found = new Map(
      [...capacities].flatMap(([value, capacity]) => {
        const sum = (before?.get(value) ?? 0) + capacity;
        return capacity < need || (before !== undefined && !before.has(value)) ? [] : [[value, sum]];
      }),
    );
  }
  const regions: Region[] = [...(found ?? [])].map(([value, capacity]) => ({ value, capacity }));
  return regions.sort(bySize).map(({ value }) => value);
}

/** The shape, on nodes with the label's value alone; undefined where the pod itself asks for another. */
export function confine(shape: Shape, topologyKey: string, value: string): Shape | undefined {
  const asked = shape.nodeSelector[topologyKey];
  if (asked !== undefined && asked !== value) return undefined;
  const key = `${shape.key}|${topologyKey}=${value}`;
  const place = `${shape.place}|${topologyKey}=${value}`;
  return { ...shape, key, place, nodeSelector: { ...shape.nodeSelector, [topologyKey]: value } };
}

interface Measure {
  readonly shape: Shape;
  readonly topologyKey: string;
  readonly priority: number | undefined;
  /** Where all nodes are one region, more than so many are not counted. */
  readonly need: number;
}

function capacitiesOf(
  snapshot: Snapshot,
  standings: Standings,
  { shape, topologyKey, priority, need }: Measure,
): ReadonlyMap<string, number> {
  snapshot.layOut();
  const allowed = standings.allowed(shape);
  const capacities = new Map<string, number>();
  for (const { node, slot } of snapshot.records) {
    const labels = node?.metadata?.labels ?? {};
    const value = topologyKey === "" ? "" : Object.hasOwn(labels, topologyKey) ? labels[topologyKey] : undefined;
    if (value === undefined || allowed[slot] !== 1) continue;
    const room = roomAt(snapshot, shape, slot, priority);
    if (room > 0) capacities.set(value, (capacities.get(value) ?? 0) + room);
    if (topologyKey === "" && (capacities.get("") ?? 0) >= need) break;
  }
  return capacities;
}

/** For how many pods the node's resources suffice. */
function roomAt(snapshot: Snapshot, { requests }: Shape, slot: number, priority: number | undefined): number {
  let room = Number.POSITIVE_INFINITY;
  for (const { column, amount } of requests) {
    const freed = priority === undefined ? 0 : freedBelow(snapshot, slot, column, priority);
    room = Math.min(room, Math.floor(((snapshot.free[column]?.[slot] ?? 0) + freed) / amount));
  }
  return Math.max(0, room);
}

function freedBelow(snapshot: Snapshot, slot: number, column: number, priority: number): number {
  let freed = 0;
  for (const { shape, tenure } of snapshot.records[slot]?.pods.values() ?? [])
    if (tenure.priority < priority) freed += shape.requests.find((request) => request.column === column)?.amount ?? 0;
  return freed;
}

function bySize(left: Region, right: Region): number {
  return left.capacity - right.capacity || (left.value < right.value ? -1 : 1);
}
