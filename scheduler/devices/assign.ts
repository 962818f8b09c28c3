import type { Shape } from "../shape.js";
import { COLUMN, type Snapshot } from "../snapshot.js";
import type { Tenant, Tenure } from "../tenant.js";
import type { Board } from "./board.js";
import type { DeviceDemand } from "./demand.js";
import type { DemandMix } from "./demand-mix.js";
import { fillBoard } from "./fill-board.js";
import { leftBy } from "./gpu-states.js";
import { namesOf, type Pick, picksFor } from "./pick.js";
import { type FreeHost, gpuRoom, stranded } from "./stranding.js";

/** A way for a pod to have its devices on a node, and how many thousandths of the node's GPUs would be of no use then. */
export interface Assignment {
  readonly pick: Pick;
  readonly strandedMilli: number;
}

/** The way that leaves the least of no use, and of equals the fullest device. Undefined when there is none. `left`: what is free beside the pod. */
export function bestAssignment(
  mix: DemandMix,
  board: Board,
  demand: DeviceDemand,
  left: FreeHost,
): Assignment | undefined {
  let best: Assignment | undefined;
  for (const pick of picksFor(board, demand)) {
    const strandedMilli = stranded(mix, gpuRoom(board, left, { demand, pick }));
    const each = { pick, strandedMilli };
    if (best === undefined || strandedMilli < best.strandedMilli || isTighter(board, each, best)) best = each;
  }
  return best;
}

function isTighter({ roomMilli }: Board, one: Assignment, other: Assignment): boolean {
  const left = ({ pick: [at = 0] }: Assignment): number => roomMilli[at] ?? 0;
  return one.strandedMilli === other.strandedMilli && left(one) < left(other);
}

/** What is to be known of a pod that comes to a node. */
export interface Newcomer {
  readonly shape: Shape;
  readonly nodeName: string;
  readonly tenure: Tenure;
}

/**
 * What a pod is among the pods of a node, with the devices that it gets there. Devices of pods that are to leave for it, if such are given, count as
 * free. Without a way to have devices, or where the node only counts them, it is as before.
 */
export function withDevices(
  snapshot: Snapshot,
  { shape, nodeName, tenure }: Newcomer,
  isLeaving?: (tenant: Tenant) => boolean,
): Tenure {
  const { devices: demand } = shape;
  const record = snapshot.record(nodeName);
  if (demand === undefined || record === undefined || record.devices.length === 0) return tenure;
  const staying = [...record.pods.values()].filter((tenant) => isLeaving?.(tenant) !== true);
  const board = fillBoard(record.devices, staying);
  const free = (column: number): number => snapshot.free[column]?.[record.slot] ?? 0;
  const left = leftBy({ cpuMillicores: free(COLUMN.cpu), memoryBytes: free(COLUMN.memory) }, shape);
  const found = bestAssignment(snapshot.devices.mix, board, demand, left);
  return { ...tenure, devices: found && namesOf(board, found.pick) };
}
