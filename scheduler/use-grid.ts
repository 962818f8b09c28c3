import type { Box } from "./box.js";
import type { Snapshot } from "./snapshot.js";

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

/** A box, and the most points that the quest at hand could find in it; −Infinity once that has been looked at. */
interface Part extends Box {
  most: number;
}

/** Sizes of a node and what is used there. */
interface Use {
  readonly usedCpu: number;
  readonly usedMemory: number;
  readonly allCpu: number;
  readonly allMemory: number;
}

/** Nodes of exactly the same sizes and use: a box without extent. */
class Alike implements Part {
  readonly cpuLow: number;
  readonly cpuHigh: number;
  readonly memoryLow: number;
  readonly memoryHigh: number;
  most = Number.NEGATIVE_INFINITY;
  readonly use: Use;
  home: Square;
  /** In order. */
  readonly slots: number[] = [];

  constructor(use: Use, home: Square, cpu: number, memory: number) {
    this.use = use;
    this.home = home;
    this.cpuLow = cpu;
    this.cpuHigh = cpu;
    this.memoryLow = memory;
    this.memoryHigh = memory;
  }
}

/** Where few kinds of nodes are, those; where more are, squares of a fraction of its width, as far as there is anything in them. */
class Square implements Part {
  readonly cpuLow: number;
  readonly cpuHigh: number;
  readonly memoryLow: number;
  readonly memoryHigh: number;
  most = Number.NEGATIVE_INFINITY;
  readonly width: number;
  readonly parent: Square | undefined;
  readonly squares: Square[] = [];
  readonly alikes: Alike[] = [];

  constructor(cpu: number, memory: number, width: number, parent?: Square) {
    this.cpuLow = cpu;
    this.cpuHigh = cpu + width;
    this.memoryLow = memory;
    this.memoryHigh = memory + width;
    this.width = width;
    this.parent = parent;
  }
}

interface Found {
  slot: number;
  points: number;
  looks: number;
}

/** A square of more kinds of nodes than this is divided, along each side into so many. */
const MOST_KINDS = 8;
const DIVISIONS = 4;
/** Squares of this width are not divided any more. A power of `DIVISIONS`: with powers of two no share is rounded to the wrong side of a border. */
const LEAST_WIDTH = DIVISIONS ** -10;

/**
 * Nodes by the shares of cpu and memory that are used: alike ones together, in squares that are the smaller the more there is in them. A pod that
 * nobody was like before looks at the squares that could hold the best node for it, and at one of each kind, and not at all nodes. Catches up slot
 * by slot when it is asked.
 */
export class UseGrid {
  private readonly snapshot: Snapshot;
  private root = new Square(0, 0, 1);
  /** What each slot is among. */
  private homes: (Alike | undefined)[] = [];
  private position = -1;

  constructor(snapshot: Snapshot) {
    this.snapshot = snapshot;
  }

  /** The slot with most points, of equals the lowest; −1 when none fits, undefined when it took more than the budget to find out. */
  best(quest: Quest): number | undefined {
    this.catchUp();
    const found: Found = { slot: -1, points: Number.NEGATIVE_INFINITY, looks: 0 };
    search(this.root, quest, found);
    return found.looks > quest.budget ? undefined : found.slot;
  }

  private catchUp(): void {
    const { changed, records } = this.snapshot;
    const behind = changed.behind(this.position);
    if (behind === undefined || records.length !== this.homes.length) this.readAll(records.length);
    else for (let at = changed.position - behind; at < changed.position; at += 1) this.move(changed.at(at));
    this.position = changed.position;
  }

  private readAll(slots: number): void {
    this.root = new Square(0, 0, 1);
    this.homes = new Array<Alike | undefined>(slots).fill(undefined);
    for (let slot = 0; slot < slots; slot += 1) this.move(slot);
  }

  private move(slot: number): void {
    const before = this.homes[slot];
    if (before !== undefined) leave(before, slot);
    const { scoredCpu, scoredMemory, allocatableCpu, allocatableMemory } = this.snapshot;
    const usedCpu = scoredCpu[slot] ?? 0;
    const usedMemory = scoredMemory[slot] ?? 0;
    const allCpu = allocatableCpu[slot] ?? 0;
    const allMemory = allocatableMemory[slot] ?? 0;
    const alike = this.alikeFor({ usedCpu, usedMemory, allCpu, allMemory });
    alike.slots.splice(placeIn(alike.slots, slot), 0, slot);
    this.homes[slot] = alike;
  }

  private alikeFor(use: Use): Alike {
    const cpu = shareOf(use.usedCpu, use.allCpu);
    const memory = shareOf(use.usedMemory, use.allMemory);
    const home = this.squareFor(cpu, memory);
    for (const each of home.alikes) if (isSame(each.use, use)) return each;
    const alike = new Alike(use, home, cpu, memory);
    home.alikes.push(alike);
    divide(home);
    return alike;
  }

  private squareFor(cpu: number, memory: number): Square {
    let square = this.root;
    while (square.squares.length > 0) square = partOf(square, cpu, memory);
    return square;
  }
}

/** Looks at the most promising part first, and there at its most promising: what is found there rules most others out. */
function search({ squares, alikes }: Square, quest: Quest, found: Found): void {
  if (squares.length > 0) inTurn(squares, quest, found, (square) => search(square, quest, found));
  else inTurn(alikes, quest, found, ({ slots }) => lookAt(slots, quest, found));
}

function inTurn<P extends Part>(parts: readonly P[], quest: Quest, found: Found, look: (part: P) => void): void {
  for (const part of parts) part.most = quest.mostIn(part);
  let next = mostPromising(parts);
  while (next !== undefined && next.most >= found.points && found.looks <= quest.budget) {
    next.most = Number.NEGATIVE_INFINITY;
    look(next);
    next = mostPromising(parts);
  }
}

/** The part of those that have not been looked at that could hold most. */
function mostPromising<P extends Part>(parts: readonly P[]): P | undefined {
  let best: P | undefined;
  let most = Number.NEGATIVE_INFINITY;
  for (const part of parts) {
    if (part.most <= most) continue;
    best = part;
    most = part.most;
  }
  return best;
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

function isSame(left: Use, right: Use): boolean {
  return (
    left.usedCpu === right.usedCpu &&
    left.usedMemory === right.usedMemory &&
    left.allCpu === right.allCpu &&
    left.allMemory === right.allMemory
  );
}

/** The square of a divided one that a node of such shares belongs to; made when there is none. */
function partOf(square: Square, cpu: number, memory: number): Square {
  const width = square.width / DIVISIONS;
  const cpuLow = square.cpuLow + width * placeOf((cpu - square.cpuLow) / width);
  const memoryLow = square.memoryLow + width * placeOf((memory - square.memoryLow) / width);
  for (const each of square.squares) if (each.cpuLow === cpuLow && each.memoryLow === memoryLow) return each;
  const made = new Square(cpuLow, memoryLow, width, square);
  square.squares.push(made);
  return made;
}

/** What is used up stands in the last one. */
function placeOf(place: number): number {
  return Math.min(DIVISIONS - 1, Math.floor(place));
}

/** Divides a square with too many kinds of nodes in it, and what comes of it again. */
function divide(square: Square): void {
  if (square.alikes.length <= MOST_KINDS || square.width <= LEAST_WIDTH) return;
  for (const alike of square.alikes.splice(0)) {
    alike.home = partOf(square, alike.cpuLow, alike.memoryLow);
    alike.home.alikes.push(alike);
  }
  for (const part of square.squares) divide(part);
}

/** Takes a slot from its like; what is empty then goes. */
function leave(alike: Alike, slot: number): void {
  alike.slots.splice(placeIn(alike.slots, slot), 1);
  if (alike.slots.length > 0) return;
  let square = alike.home;
  drop(square.alikes, alike);
  while (square.parent !== undefined && square.alikes.length + square.squares.length === 0) {
    drop(square.parent.squares, square);
    square = square.parent;
  }
}

/** Takes one away; what is left is in no order that means anything. */
function drop<T>(list: T[], one: T): void {
  const last = list.pop();
  const at = list.indexOf(one);
  if (last !== undefined && at >= 0) list[at] = last;
}

function shareOf(used: number, allocatable: number): number {
  return used >= allocatable ? 1 : used / allocatable;
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
