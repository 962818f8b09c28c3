import type { Shape } from "../shape.js";
import { COLUMN, type Snapshot } from "../snapshot.js";
import type { Board } from "./board.js";
import { type FreeHost, gpuRoom, stranded } from "./stranding.js";

/** A node's devices and what is free beside them. */
export interface GpuState extends FreeHost {
  readonly board: Board;
  /** Equal for nodes that are alike in all of it. */
  readonly key: string;
}

/** Memory for what was worked out of states: nodes are often alike, and each is asked about for many shapes. */
const MOST_STATES = 4_096;

/** Remembers a number by the state of a node, as long as what pods ask for of GPUs stays the same. Only memory: what is forgotten is worked out anew. */
export class ByState {
  private readonly snapshot: Snapshot;
  private readonly workOut: (state: GpuState) => number | undefined;
  private readonly known = new Map<string, number>();
  private version = -1;

  constructor(snapshot: Snapshot, workOut: (state: GpuState) => number | undefined) {
    this.snapshot = snapshot;
    this.workOut = workOut;
  }

  /** The number for the node at a slot; undefined where there is none, or where the node does not tell its devices apart. */
  at(slot: number): number | undefined {
    const state = stateAt(this.snapshot, slot);
    if (state === undefined) return undefined;
    if (this.version !== this.snapshot.devices.version || this.known.size > MOST_STATES) this.known.clear();
    this.version = this.snapshot.devices.version;
    const known = this.known.get(state.key);
    if (known !== undefined) return known;
    const number = this.workOut(state);
    if (number !== undefined) this.known.set(state.key, number);
    return number;
  }
}

/** How many thousandths of the GPUs are of no use in a state. */
export function strandedIn({ devices }: Snapshot, { board, ...left }: GpuState): number {
  return stranded(devices.mix, gpuRoom(board, left));
}

/** What stays free of cpu and memory when a pod of the shape has come. */
export function leftBy({ cpuMillicores, memoryBytes }: FreeHost, { requests }: Shape): FreeHost {
  const asked = (column: number): number => requests.find((request) => request.column === column)?.amount ?? 0;
  return { cpuMillicores: cpuMillicores - asked(COLUMN.cpu), memoryBytes: memoryBytes - asked(COLUMN.memory) };
}

/** The state of the node at a slot; undefined when it does not tell its devices apart. */
function stateAt(snapshot: Snapshot, slot: number): GpuState | undefined {
  const record = snapshot.records[slot];
  const board = snapshot.devices.boardOf(record);
  if (board === undefined) return undefined;
  const cpuMillicores = snapshot.free[COLUMN.cpu]?.[slot] ?? 0;
  const memoryBytes = snapshot.free[COLUMN.memory]?.[slot] ?? 0;
  const key = `${cpuMillicores} ${memoryBytes} ${snapshot.devices.numberOf(board)}`;
  return { board, cpuMillicores, memoryBytes, key };
}
