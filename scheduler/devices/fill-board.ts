import { WHOLE_DEVICE } from "../../kinds/gpu-share.js";
import type { Tenant } from "../tenant.js";
import { type Board, bytesOf, type Device, isWhole } from "./board.js";
import { namesOf, pickTightest } from "./pick.js";

/**
 * What is free of the devices beside these pods: first come those whose devices are written down, then the others in order of their ids. Of these, who
 * does not fit was placed by somebody else and is not counted.
 */
export function fillBoard(devices: readonly Device[], tenants: Iterable<Tenant>): Board {
  const board: Board = {
    devices,
    freeMilli: new Float64Array(devices.length).fill(WHOLE_DEVICE),
    freeBytes: Float64Array.from(devices, ({ memoryBytes }) => memoryBytes),
    holders: new Float64Array(devices.length),
    roomMilli: new Float64Array(devices.length),
  };
  const unwritten: Tenant[] = [];
  for (const tenant of tenants)
    if (tenant.shape.devices !== undefined) {
      if (tenant.tenure.devices === undefined) unwritten.push(tenant);
      else charge(board, tenant, tenant.tenure.devices);
    }
  for (const tenant of unwritten.sort((left, right) => (left.id < right.id ? -1 : 1))) {
    const pick = tenant.shape.devices && pickTightest(board, tenant.shape.devices);
    if (pick !== undefined) charge(board, tenant, namesOf(board, pick));
  }
  for (const at of devices.keys()) board.roomMilli[at] = roomOf(board, at);
  return board;
}

/** Whoever has the least share of a device keeps it from those who want it whole. */
function roomOf(board: Board, at: number): number {
  const { gpuClass = -1, memoryBytes = 0 } = board.devices[at] ?? {};
  if (gpuClass < 0) return 0;
  const time = board.freeMilli[at] ?? 0;
  const memory = memoryBytes === 0 ? time : Math.floor(((board.freeBytes[at] ?? 0) * WHOLE_DEVICE) / memoryBytes);
  return Math.max(0, Math.min(time, memory, isWhole(board, at) ? WHOLE_DEVICE : WHOLE_DEVICE - 1));
}

function charge({ devices, freeMilli, freeBytes, holders }: Board, { shape }: Tenant, names: readonly string[]): void {
  const share = shape.devices?.share;
  for (const name of names) {
    const at = devices.findIndex((device) => device.name === name);
    if (at < 0) continue;
    const memoryBytes = devices[at]?.memoryBytes ?? 0;
    freeMilli[at] = (freeMilli[at] ?? 0) - (share?.milli ?? WHOLE_DEVICE);
    freeBytes[at] = (freeBytes[at] ?? 0) - (share === undefined ? memoryBytes : bytesOf(share, memoryBytes));
    holders[at] = (holders[at] ?? 0) + 1;
  }
}
