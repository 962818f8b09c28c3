import { WHOLE_DEVICE } from "../../kinds/gpu-share.js";
import type { Rng } from "../../lib/rng.js";
import type { TraceNode, TracePod } from "./trace.js";

/** A node and what is free on it. */
export interface Spot {
  readonly node: TraceNode;
  cpuMillicores: number;
  memoryMib: number;
  /** Free thousandths of each GPU. */
  readonly gpus: number[];
  /** Grows when a pod comes. */
  version: number;
}

/** The GPUs that a pod would take on a node, by their places. */
export type Seat = readonly number[];

/** Places one pod; false when no node takes it. */
export type Placer = (pod: TracePod) => boolean;

/** How ill a pod would be placed: the least is chosen, of equals the first. */
export type Cost = (spot: Spot, pod: TracePod, seat: Seat) => number;

/** Places pods where that costs least. Costs are remembered until another pod comes to the node. */
export function cheapest(nodes: readonly TraceNode[], cost: Cost): Placer {
  const spots = nodes.map(emptySpot);
  const known = new Map<
    TracePod,
    { readonly versions: Int32Array; readonly costs: Float64Array; readonly seats: Seat[] }
  >();
  return (pod) => {
    const own = known.get(pod) ?? {
      versions: new Int32Array(spots.length).fill(-1),
      costs: new Float64Array(spots.length),
      seats: new Array<Seat>(spots.length),
    };
    known.set(pod, own);
    let best: Spot | undefined;
    let seat: Seat = [];
    let least = Number.POSITIVE_INFINITY;
    for (const [at, spot] of spots.entries()) {
      if (own.versions[at] !== spot.version) {
        own.versions[at] = spot.version;
        const found = cheapestSeat(spot, pod, cost);
        own.costs[at] = found.cost;
        own.seats[at] = found.seat;
      }
      const each = own.costs[at] ?? Number.POSITIVE_INFINITY;
      if (each >= least) continue;
      least = each;
      best = spot;
      seat = own.seats[at] ?? [];
    }
    if (best !== undefined) take(best, pod, seat);
    return best !== undefined;
  };
}

/** Places pods on any node that takes them, on any GPU that does. */
export function anywhere(nodes: readonly TraceNode[], rng: Rng): Placer {
  const spots = nodes.map(emptySpot);
  return (pod) => {
    const fitting = spots.filter((spot) => seatsOn(spot, pod).length > 0);
    const spot = fitting[rng.below(Math.max(1, fitting.length))];
    if (spot === undefined) return false;
    const seats = seatsOn(spot, pod);
    take(spot, pod, seats[rng.below(seats.length)] ?? []);
    return true;
  };
}

function emptySpot(node: TraceNode): Spot {
  const { cpuMillicores, memoryMib, gpuCount } = node;
  return { node, cpuMillicores, memoryMib, gpus: new Array<number>(gpuCount).fill(WHOLE_DEVICE), version: 0 };
}

function cheapestSeat(spot: Spot, pod: TracePod, cost: Cost): { readonly cost: number; readonly seat: Seat } {
  let best: { readonly cost: number; readonly seat: Seat } = { cost: Number.POSITIVE_INFINITY, seat: [] };
  for (const seat of seatsOn(spot, pod)) {
    const each = cost(spot, pod, seat);
    if (each < best.cost) best = { cost: each, seat };
  }
  return best;
}

/** The ways in which a node can take a pod; GPUs of which equally much is free are one. */
function seatsOn({ node, cpuMillicores, memoryMib, gpus }: Spot, pod: TracePod): readonly Seat[] {
  if (cpuMillicores < pod.cpuMillicores || memoryMib < pod.memoryMib) return [];
  if (pod.gpuCount === 0) return [[]];
  if (pod.models.length > 0 && !pod.models.includes(node.model)) return [];
  if (pod.gpuMilli === WHOLE_DEVICE) {
    const free = [...gpus.keys()].filter((at) => gpus[at] === WHOLE_DEVICE);
    return free.length < pod.gpuCount ? [] : [free.slice(0, pod.gpuCount)];
  }
  return [...gpus.keys()]
    .filter((at) => (gpus[at] ?? 0) >= pod.gpuMilli && gpus.indexOf(gpus[at] ?? 0) === at)
    .map((at) => [at]);
}

function take(spot: Spot, pod: TracePod, seat: Seat): void {
  spot.cpuMillicores -= pod.cpuMillicores;
  spot.memoryMib -= pod.memoryMib;
  for (const at of seat) spot.gpus[at] = (spot.gpus[at] ?? 0) - pod.gpuMilli;
  spot.version += 1;
}
