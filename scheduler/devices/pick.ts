import { type Board, bytesOf, isGpu, isSuitable, isWhole, shortfall } from "./board.js";
import type { DeviceDemand, WholeDevices } from "./demand.js";

/** Devices that would do for a pod, as places on the board: those that it has a share of, or has whole. */
export type Pick = readonly number[];

/**
 * The ways in which a pod can have what it asks for of devices, best by nearness first; none: it cannot. A share may be of any device, where such as
 * have equally much free are one way. Whole devices are of one link group and NUMA node where some have enough.
 */
export function picksFor(board: Board, demand: DeviceDemand): readonly Pick[] {
  if (demand.share !== undefined) return picksForShare(board, demand, demand.share);
  const all: number[] = [];
  for (const whole of demand.wholes) {
    if (!board.devices.some(({ resource }) => resource === whole.resource)) continue;
    const some = pickWhole(board, demand, whole);
    if (some === undefined) return [];
    all.push(...some);
  }
  return [all];
}

/** True when there is any way. Costs less than to name one. */
export function canHave(board: Board, demand: DeviceDemand): boolean {
  const { share } = demand;
  if (share === undefined) return picksFor(board, demand).length > 0;
  const { devices, freeMilli, freeBytes } = board;
  for (let at = 0; at < devices.length; at += 1) {
    const device = devices[at];
    if (device === undefined || (freeMilli[at] ?? 0) < share.milli || !isGpu(device)) continue;
    if ((freeBytes[at] ?? 0) >= bytesOf(share, device.memoryBytes) && isSuitable(device, demand)) return true;
  }
  return false;
}

/** The first way where the least is left of a shared device. */
export function pickTightest(board: Board, demand: DeviceDemand): Pick | undefined {
  const left = ([at = 0]: Pick): number => board.freeMilli[at] ?? 0;
  return picksFor(board, demand).reduce<Pick | undefined>(
    (best, pick) => (best === undefined || left(pick) < left(best) ? pick : best),
    undefined,
  );
}

/** Names of the picked devices. */
export function namesOf({ devices }: Board, pick: Pick): readonly string[] {
  return pick.flatMap((at) => devices[at]?.name ?? []);
}

function picksForShare(board: Board, demand: DeviceDemand, share: NonNullable<DeviceDemand["share"]>): readonly Pick[] {
  const picks: number[][] = [];
  for (const [at, device] of board.devices.entries()) {
    if (device.gpuClass < 0 || !isSuitable(device, demand)) continue;
    const { milli, bytes } = shortfall(board, at, share);
    if (milli + bytes === 0 && !picks.some(([other = 0]) => isAlike(board, at, other))) picks.push([at]);
  }
  return picks;
}

function isAlike({ devices, freeMilli, freeBytes, roomMilli }: Board, at: number, other: number): boolean {
  return (
    freeMilli[at] === freeMilli[other] &&
    freeBytes[at] === freeBytes[other] &&
    roomMilli[at] === roomMilli[other] &&
    devices[at]?.gpuClass === devices[other]?.gpuClass
  );
}

/** So many free devices that lie as near together as can be: in the smallest group that has enough of them. */
function pickWhole(board: Board, demand: DeviceDemand, { resource, count }: WholeDevices): Pick | undefined {
  const free: number[] = [];
  for (const [at, device] of board.devices.entries())
    if (isWhole(board, at) && device.resource === resource && isSuitable(device, demand)) free.push(at);
  if (free.length < count) return undefined;
  const numaOf = (at: number): string => `${board.devices[at]?.numaNode}`;
  const linkOf = (at: number): string => board.devices[at]?.linkGroup ?? "";
  if (demand.isSingleNuma && count > 0) {
    const group = smallestWith(free, numaOf, count);
    return group && near(group, linkOf, count);
  }
  const linked = free.filter((at) => linkOf(at) !== "");
  const found =
    smallestWith(linked, (at) => `${numaOf(at)} ${linkOf(at)}`, count) ?? smallestWith(linked, linkOf, count) ?? free;
  return near(found, numaOf, count);
}

function near(places: Pick, groupOf: (at: number) => string, count: number): Pick {
  return (smallestWith(places, groupOf, count) ?? places).slice(0, count);
}

/** The smallest group that has so many, the first of equals: the larger stay whole for those who need more. */
function smallestWith(places: Pick, groupOf: (at: number) => string, count: number): Pick | undefined {
  const groups = new Map<string, number[]>();
  for (const at of places) {
    const group = groups.get(groupOf(at)) ?? [];
    group.push(at);
    groups.set(groupOf(at), group);
  }
  let best: Pick | undefined;
  for (const group of groups.values())
    if (group.length >= count && (best === undefined || group.length < best.length)) best = group;
  return best;
}
