import { WHOLE_DEVICE } from "../../kinds/gpu-share.js";
import { COLUMN, type Snapshot } from "../snapshot.js";
import { gpuRoom, stranded } from "./stranding.js";

/** How much of a node's GPUs is given out, and what the rest is good for. */
export interface GpuUse {
  readonly count: number;
  /** GPUs, shares as parts of one. */
  readonly allocated: number;
  /**
   * Of what is free, the share that is of no use to what pods of the cluster ask for, 0 to 1: since too little is free of one GPU, too few are free
   * at once, of another model, or without the cores and memory beside them. Undefined when none is free.
   */
  readonly fragmentation: number | undefined;
}

/** Undefined when the node at the slot tells no GPUs apart. The columns are laid out. */
export function gpuUse(snapshot: Snapshot, slot: number): GpuUse | undefined {
  const board = snapshot.devices.boardOf(snapshot.records[slot]);
  if (board === undefined) return undefined;
  const gpus = [...board.devices.keys()].filter((at) => (board.devices[at]?.gpuClass ?? -1) >= 0);
  if (gpus.length === 0) return undefined;
  const free = gpus.reduce((sum, at) => sum + Math.max(0, board.roomMilli[at] ?? 0), 0);
  const room = gpuRoom(board, {
    cpuMillicores: snapshot.free[COLUMN.cpu]?.[slot] ?? 0,
    memoryBytes: snapshot.free[COLUMN.memory]?.[slot] ?? 0,
  });
  // Two terms of equal weight are added there, each as much as is free at most.
  const fragmentation = free === 0 ? undefined : stranded(snapshot.devices.mix, room) / (2 * free);
  return { count: gpus.length, allocated: gpus.length - free / WHOLE_DEVICE, fragmentation };
}
