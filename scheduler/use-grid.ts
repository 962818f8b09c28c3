import type { Snapshot } from "./snapshot.js";

/** A range of shares of cpu and memory that are used, 0 to 1; above 1 counts as 1. */
export interface Box {
  cpuLow: number;
  cpuHigh: number;
  memoryLow: number;
  memoryHigh: number;
}

/** What is sought. */
export interface Quest {
  /** The points of a slot; −Infinity where the node does not fit. */
  pointsAt(slot: number): number;
  /** How many points more, at most, another slot could have that is used like the one last asked about, which fits. */
  spare(): number;
  /** No slot in the box has more. */
  mostIn(box: Box): number;
  /** Slots that may be looked at. */
  readonly budget: number;
}

/** Nodes of exactly the same sizes and use. */
interface Alike {
  readonly usedMemory: number;
  readonly allCpu: number;
  readonly allMemory: number;
  /** Shares that are used. */
  readonly cpu: number;
  readonly memory: number;
  /** In order. */
  readonly slots: number[];
}

/** What is in a cell: nodes that are alike, by the cpu that is used there. */
type Kinds = Map<number, Alike[]>;
type Cells = Map<number, Kinds>;

interface Found {
  slot: number;
  points: number;
  looks: number;
}

/** Cells along one side of the grid, and blocks: a block is so many cells wide. */
const SIDE = 1_024;
const WIDTH = 32;
const BLOCKS = SIDE / WIDTH;

/**
 * Nodes by the shares of cpu and memory that are used: alike ones together, in cells, in blocks. A pod that nobody was like before looks at the
 * cells that could hold the best node for it, and at one of each kind, and not at all nodes. Catches up slot by slot when it is asked.
 */
export class UseGrid {
  private readonly snapshot: Snapshot;
  /** Those with nodes in them. */
  private readonly blocks = new Map<number, Cells>();
  /** Where each slot is. */
  private cells = new Int32Array(0);
  /** By what each slot is found in its cell. */
  private uses = new Float64Array(0);
  private readonly box: Box = { cpuLow: 0, cpuHigh: 0, memoryLow: 0, memoryHigh: 0 };
  private position = -1;

  constructor(snapshot: Snapshot) {
    this.snapshot = snapshot;
  }

  /** The slot with most points, of equals the lowest; −1 when none fits, undefined when it took more than the budget to find out. */
  best(quest: Quest): number | undefined {
    this.catchUp();
    const order: { readonly cells: Cells; readonly most: number }[] = [];
    for (const [block, cells] of this.blocks) {
      const most = this.mostInSquare(block % BLOCKS, Math.floor(block / BLOCKS), WIDTH, quest);
      order.push({ cells, most });
    }
    order.sort((left, right) => right.most - left.most);
    const found: Found = { slot: -1, points: Number.NEGATIVE_INFINITY, looks: 0 };
    for (const { cells, most } of order) {
      if (most < found.points) break;
      this.searchBlock(cells, quest, found);
      if (found.looks > quest.budget) return undefined;
    }
    return found.slot;
  }

  /** The most promising cells first: what is found there rules most others out. */
  private searchBlock(cells: Cells, quest: Quest, found: Found): void {
    const order: { readonly kinds: Kinds; readonly most: number }[] = [];
    for (const [cell, kinds] of cells) {
      const most = this.mostInSquare(cell % SIDE, Math.floor(cell / SIDE), 1, quest);
      if (most >= found.points) order.push({ kinds, most });
    }
    order.sort((left, right) => right.most - left.most);
    for (const { kinds, most } of order) {
      if (most < found.points) return;
      this.searchCell(kinds, quest, found);
    }
  }

  /** The most promising kind first, for the same reason. */
  private searchCell(kinds: Kinds, quest: Quest, found: Found): void {
    const hopeful: { readonly slots: readonly number[]; readonly most: number }[] = [];
    let best: (typeof hopeful)[number] | undefined;
    for (const alikes of kinds.values())
      for (const { cpu, memory, slots } of alikes) {
        const most = this.mostAt(cpu, memory, quest);
        if (most < found.points) continue;
        const hope = { slots, most };
        hopeful.push(hope);
        if (best === undefined || most > best.most) best = hope;
      }
    if (best !== undefined) lookAt(best.slots, quest, found);
    for (const hope of hopeful) if (hope !== best && hope.most >= found.points) lookAt(hope.slots, quest, found);
  }

  private mostAt(cpu: number, memory: number, quest: Quest): number {
    const { box } = this;
    box.cpuLow = cpu;
    box.cpuHigh = cpu;
    box.memoryLow = memory;
    box.memoryHigh = memory;
    return quest.mostIn(box);
  }

  private mostInSquare(column: number, row: number, width: number, quest: Quest): number {
    const { box } = this;
    const scale = width / SIDE;
    box.cpuLow = row * scale;
    box.memoryLow = column * scale;
    // The last ones hold all that is beyond them.
    box.cpuHigh = (row + 1) * width === SIDE ? Number.POSITIVE_INFINITY : (row + 1) * scale;
    box.memoryHigh = (column + 1) * width === SIDE ? Number.POSITIVE_INFINITY : (column + 1) * scale;
    return quest.mostIn(box);
  }

  private catchUp(): void {
    const { changed, records } = this.snapshot;
    const behind = changed.behind(this.position);
    if (behind === undefined || records.length !== this.cells.length) this.readAll(records.length);
    else for (let at = changed.position - behind; at < changed.position; at += 1) this.move(changed.at(at));
    this.position = changed.position;
  }

  private readAll(slots: number): void {
    this.blocks.clear();
    this.cells = new Int32Array(slots).fill(-1);
    this.uses = new Float64Array(slots);
    for (let slot = 0; slot < slots; slot += 1) this.move(slot);
  }

  private move(slot: number): void {
    this.leave(slot);
    const { scoredCpu, scoredMemory, allocatableCpu, allocatableMemory } = this.snapshot;
    const usedCpu = scoredCpu[slot] ?? 0;
    const usedMemory = scoredMemory[slot] ?? 0;
    const allCpu = allocatableCpu[slot] ?? 0;
    const allMemory = allocatableMemory[slot] ?? 0;
    const cpu = shareOf(usedCpu, allCpu);
    const memory = shareOf(usedMemory, allMemory);
    const cell = placeOf(cpu) * SIDE + placeOf(memory);
    const alikes = this.alikesIn(cell, usedCpu);
    let alike = alikes.find(
      (each) => each.usedMemory === usedMemory && each.allCpu === allCpu && each.allMemory === allMemory,
    );
    if (alike === undefined) {
      alike = { usedMemory, allCpu, allMemory, cpu, memory, slots: [] };
      alikes.push(alike);
    }
    alike.slots.splice(placeIn(alike.slots, slot), 0, slot);
    this.cells[slot] = cell;
    this.uses[slot] = usedCpu;
  }

  /** Nodes in the cell where so much cpu is used. */
  private alikesIn(cell: number, usedCpu: number): Alike[] {
    const cells = this.blocks.get(blockOf(cell)) ?? new Map<number, Kinds>();
    if (cells.size === 0) this.blocks.set(blockOf(cell), cells);
    const kinds = cells.get(cell) ?? new Map<number, Alike[]>();
    if (kinds.size === 0) cells.set(cell, kinds);
    const alikes = kinds.get(usedCpu) ?? [];
    if (alikes.length === 0) kinds.set(usedCpu, alikes);
    return alikes;
  }

  private leave(slot: number): void {
    const cell = this.cells[slot] ?? -1;
    const usedCpu = this.uses[slot] ?? 0;
    const cells = this.blocks.get(blockOf(cell));
    const kinds = cells?.get(cell);
    const alikes = kinds?.get(usedCpu);
    const at = alikes?.findIndex(({ slots }) => slots[placeIn(slots, slot)] === slot) ?? -1;
    const alike = alikes?.[at];
    if (cells === undefined || kinds === undefined || alikes === undefined || alike === undefined) return;
    alike.slots.splice(placeIn(alike.slots, slot), 1);
    if (alike.slots.length === 0) alikes.splice(at, 1);
    if (alikes.length === 0) kinds.delete(usedCpu);
    if (kinds.size === 0) cells.delete(cell);
    if (cells.size === 0) this.blocks.delete(blockOf(cell));
  }
}

/** Nodes of equal use differ by little else: the first that lacks nothing is the best of them. */
function lookAt(slots: readonly number[], quest: Quest, found: Found): void {
  for (const slot of slots) {
    found.looks += 1;
    const points = quest.pointsAt(slot);
    if (points > found.points || (points === found.points && slot < found.slot && found.slot >= 0)) {
      found.points = points;
      found.slot = slot;
    }
    if (found.looks > quest.budget || (points > Number.NEGATIVE_INFINITY && quest.spare() === 0)) return;
  }
}

function blockOf(cell: number): number {
  return Math.floor(Math.floor(cell / SIDE) / WIDTH) * BLOCKS + Math.floor((cell % SIDE) / WIDTH);
}

function shareOf(used: number, allocatable: number): number {
  return used >= allocatable ? 1 : used / allocatable;
}

function placeOf(share: number): number {
  return Math.min(SIDE - 1, Math.floor(SIDE * share));
}

/** Where the slot stands, or would, in the order. */
function placeIn(slots: readonly number[], slot: number): number {
  let low = 0;
  let high = slots.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((slots[middle] ?? 0) < slot) low = middle + 1;
    else high = middle;
  }
  return low;
}
