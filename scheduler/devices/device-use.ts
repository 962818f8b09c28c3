import type { NodeRecord } from "../node-record.js";
import { amountOf } from "../pod-requests.js";
import type { Shape } from "../shape.js";
import { type Board, type Device, devicesOn, isGpu } from "./board.js";
import { type DemandKind, type DemandMix, isForGpus, mixOf, type Supply } from "./demand-mix.js";
import { fillBoard } from "./fill-board.js";

/** Columns of the snapshot. */
const CPU = 0;
const MEMORY = 1;

/** Boards that are told apart; with more, they are numbered anew. */
const MOST_WORDS = 65_536;

/** Which pods have which devices of which nodes, and what pods ask for of GPUs. Given the same nodes and pods in any order it holds the same. */
export class DeviceUse {
  /** Grows when what pods ask for of GPUs, as `mix` tells it, may have changed, and when nodes begin or cease to tell of devices. */
  version = 0;
  /** Nodes that tell their devices apart. */
  private readonly telling = new Set<NodeRecord>();
  /** A GPU of each class, and how many there are. */
  private readonly classes: Device[] = [];
  private readonly classNames = new Map<string, number>();
  private readonly supply: number[] = [];
  private readonly counts = new Map<string, DemandKind>();
  private readonly numbers = new WeakMap<Board, number>();
  private readonly wordNumbers = new Map<string, number>();
  private nextNumber = 0;
  private known: { readonly version: number; readonly mix: DemandMix } | undefined;

  /** True when any node tells its devices apart. */
  get isTold(): boolean {
    return this.telling.size > 0;
  }

  /** A node came, changed or went. */
  setNode(record: NodeRecord): void {
    const before = record.devices;
    record.devices = devicesOn(record.node, (words) => this.classFor(words));
    record.board = undefined;
    if (before.length + record.devices.length === 0) return;
    this.supplied(before, -1);
    this.supplied(record.devices, 1);
    if (record.devices.length > 0) this.telling.add(record);
    else this.telling.delete(record);
    this.version += 1;
  }

  private supplyNow(): Supply {
    let largest = 1;
    let cpuMillicores = 0;
    let memoryBytes = 0;
    for (const { devices, node } of this.telling) {
      largest = Math.max(largest, devices.filter(isGpu).length);
      cpuMillicores += amountOf("cpu", node?.status?.allocatable["cpu"] ?? "0");
      memoryBytes += amountOf("memory", node?.status?.allocatable["memory"] ?? "0");
    }
    const gpus = Math.max(
      1,
      this.supply.reduce((sum, count) => sum + count, 0),
    );
    const perGpu = { cpuMillicores: Math.floor(cpuMillicores / gpus), memoryBytes: Math.floor(memoryBytes / gpus) };
    return { classes: this.classes, supply: this.supply, largest, ...perGpu };
  }

  private classFor(words: string): number {
    const known = this.classNames.get(words) ?? this.classNames.size;
    this.classNames.set(words, known);
    return known;
  }

  private supplied(devices: readonly Device[], sign: 1 | -1): void {
    for (const device of devices) {
      if (device.gpuClass < 0) continue;
      this.classes[device.gpuClass] = device;
      this.supply[device.gpuClass] = (this.supply[device.gpuClass] ?? 0) + sign;
    }
  }

  /** A pod of the shape came to the node, or left it. */
  charge(record: NodeRecord, shape: Shape, sign: 1 | -1): void {
    const { devices } = shape;
    if (devices === undefined) return;
    record.board = undefined;
    if (!isForGpus(devices)) return;
    const cpuMillicores = roundedDown(amountIn(shape, CPU));
    const memoryBytes = roundedDown(amountIn(shape, MEMORY));
    const key = `${cpuMillicores} ${memoryBytes} ${devices.key}`;
    const before = this.counts.get(key)?.count ?? 0;
    const count = before + sign;
    if (count > 0) this.counts.set(key, { demand: devices, cpuMillicores, memoryBytes, count });
    else this.counts.delete(key);
    if (Math.clz32(before) !== Math.clz32(count)) this.version += 1;
  }

  /** A pod of the node has other devices than before. */
  forget(record: NodeRecord): void {
    record.board = undefined;
  }

  /** What is free of the node's devices; undefined for a node that only counts them. */
  boardOf(record: NodeRecord | undefined): Board | undefined {
    if (record === undefined || record.devices.length === 0) return undefined;
    record.board ??= fillBoard(record.devices, record.pods.values());
    return record.board;
  }

  /** A number that boards share whose devices and what is free of them are alike in every word. */
  numberOf(board: Board): number {
    const known = this.numbers.get(board);
    if (known !== undefined) return known;
    const words = wordsOf(board);
    const number = this.wordNumbers.get(words) ?? this.nextNumber++;
    if (this.wordNumbers.size >= MOST_WORDS) this.wordNumbers.clear();
    this.wordNumbers.set(words, number);
    this.numbers.set(board, number);
    return number;
  }

  /** What pods that have a node ask for of GPUs. */
  get mix(): DemandMix {
    if (this.known?.version !== this.version)
      this.known = { version: this.version, mix: mixOf(this.counts, this.supplyNow()) };
    return this.known.mix;
  }
}

/** Amounts that hardly differ are one kind: four binary digits, rounded down, so that what fits on an empty node still does. */
function roundedDown(amount: number): number {
  const step = 2 ** Math.max(0, Math.floor(Math.log2(Math.max(1, amount))) - 3);
  return amount - (amount % step);
}

function wordsOf({ devices, freeMilli, freeBytes, holders }: Board): string {
  const words = devices.map(
    ({ name, model, memoryBytes, numaNode, linkGroup }, at) =>
      `${name} ${model} ${memoryBytes} ${numaNode} ${linkGroup} ${freeMilli[at]} ${freeBytes[at]} ${holders[at] === 0}`,
  );
  return words.join("\n");
}

function amountIn({ requests }: Shape, column: number): number {
  return requests.find((request) => request.column === column)?.amount ?? 0;
}
