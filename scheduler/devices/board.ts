import { WHOLE_DEVICE } from "../../kinds/gpu-share.js";
import type { Node } from "../../proto/gen/tallship/v1/node.js";
import { amountOf } from "../pod-requests.js";
import type { DeviceDemand, DeviceShare } from "./demand.js";

/** A device of a node. */
export interface Device {
  /** Its CDI name. */
  readonly name: string;
  /** Other names of it. */
  readonly aliases: readonly string[];
  /** The resource that it is asked for as. */
  readonly resource: string;
  /** Empty: not known. */
  readonly model: string;
  /** Bytes; 0: not known. */
  readonly memoryBytes: number;
  /** −1: not known. */
  readonly numaNode: number;
  /** Empty: none. */
  readonly linkGroup: string;
  /** GPUs of one class are alike to whoever asks; −1: it is no GPU. */
  readonly gpuClass: number;
}

/** The devices of a node, in order of name, and what is free of each. */
export interface Board {
  readonly devices: readonly Device[];
  /** Free thousandths, by device. Negative where pods that end still have what is kept for another. */
  readonly freeMilli: Float64Array;
  /** Free bytes of memory, by device. */
  readonly freeBytes: Float64Array;
  /** How many pods have the device, whole or a share of it. */
  readonly holders: Float64Array;
  /** Free thousandths by the scarcer of time and memory, 1000 only where nobody has a share; 0 for what is no GPU. */
  readonly roomMilli: Float64Array;
}

/** The devices that a node tells of, gpu=2 before gpu=10; empty: it only counts them. `classFor` gives GPUs of equal words equal numbers. */
export function devicesOn(node: Node | undefined, classFor: (words: string) => number): readonly Device[] {
  const devices = (node?.status?.devices ?? []).map(({ name, aliases, model, memory, numaNode, linkGroup }) => {
    const resource = name.slice(0, Math.max(0, name.indexOf("=")));
    const memoryBytes = memory === "" ? 0 : amountOf("memory", memory);
    const gpuClass = isGpu({ resource }) ? classFor(`${resource} ${memoryBytes} ${model}`) : -1;
    return { name, aliases, resource, model, memoryBytes, numaNode: numaNode ?? -1, linkGroup, gpuClass };
  });
  return devices.sort((left, right) => left.name.length - right.name.length || (left.name < right.name ? -1 : 1));
}

/** True for devices that can be shared, and that are packed so that few are broken into. */
export function isGpu({ resource }: Pick<Device, "resource">): boolean {
  return resource.endsWith("/gpu");
}

/** Bytes that go with a share of a device of that memory. */
export function bytesOf({ milli, bytes }: DeviceShare, memoryBytes: number): number {
  return bytes > 0 ? bytes : Math.ceil((memoryBytes * milli) / WHOLE_DEVICE);
}

/** Thousandths of a device of that memory that a share takes away from others, by the scarcer of the two. More than 1000: it never fits. */
export function milliOf(share: DeviceShare, memoryBytes: number): number {
  if (share.bytes === 0) return share.milli;
  const byMemory = memoryBytes === 0 ? Number.POSITIVE_INFINITY : Math.ceil((WHOLE_DEVICE * share.bytes) / memoryBytes);
  return Math.max(share.milli, byMemory);
}

/** True when the pod would take the device, whatever is free of it. */
export function isSuitable({ name, aliases, model }: Device, { models, named }: DeviceDemand): boolean {
  if (models.length > 0 && !models.includes(model)) return false;
  return named.length === 0 || named.includes(name) || aliases.some((alias) => named.includes(alias));
}

/** True when nobody has the device, nor a share of it. */
export function isWhole({ holders }: Board, at: number): boolean {
  return holders[at] === 0;
}

/** How much of the device is missing for a share; none when it fits. */
export function shortfall(
  board: Board,
  at: number,
  share: DeviceShare,
): { readonly milli: number; readonly bytes: number } {
  const bytes = bytesOf(share, board.devices[at]?.memoryBytes ?? 0);
  return {
    milli: Math.max(0, share.milli - (board.freeMilli[at] ?? 0)),
    bytes: Math.max(0, bytes - (board.freeBytes[at] ?? 0)),
  };
}
