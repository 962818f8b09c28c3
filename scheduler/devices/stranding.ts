import { WHOLE_DEVICE } from "../../kinds/gpu-share.js";
import { type Board, milliOf } from "./board.js";
import type { DeviceDemand } from "./demand.js";
import type { DemandMix } from "./demand-mix.js";
import type { Pick } from "./pick.js";

/** What is free on a node, as far as it matters to what its GPUs are still good for. */
export interface GpuRoom {
  readonly cpuMillicores: number;
  readonly memoryBytes: number;
  /** GPUs of which something is free, those of one class and with equally much free together. */
  readonly groups: readonly GpuGroup[];
}

interface GpuGroup {
  readonly gpuClass: number;
  readonly milli: number;
  count: number;
}

/** What is free of cpu and memory. */
export interface FreeHost {
  readonly cpuMillicores: number;
  readonly memoryBytes: number;
}

/** What is free of the board's GPUs, once a pod has taken its own if one is given. */
export function gpuRoom(
  board: Board,
  left: FreeHost,
  taken?: { readonly demand: DeviceDemand; readonly pick: Pick },
): GpuRoom {
  const groups: GpuGroup[] = [];
  for (let at = 0; at < board.devices.length; at += 1) {
    const before = board.roomMilli[at] ?? 0;
    const milli = taken?.pick.includes(at) === true ? before - milliTaken(board, at, taken.demand) : before;
    if (milli <= 0) continue;
    const gpuClass = board.devices[at]?.gpuClass ?? -1;
    const known = groups.find((group) => group.milli === milli && group.gpuClass === gpuClass);
    if (known === undefined) groups.push({ gpuClass, milli, count: 1 });
    else known.count += 1;
  }
  return { cpuMillicores: left.cpuMillicores, memoryBytes: left.memoryBytes, groups };
}

function milliTaken({ devices }: Board, at: number, { share }: DeviceDemand): number {
  return share === undefined ? WHOLE_DEVICE : milliOf(share, devices[at]?.memoryBytes ?? 0);
}

/**
 * How many thousandths of the free GPUs are of no use, expected over what pods ask for. For each kind of pods two things are added: what none of them
 * could use now (the fragmentation of Weng et al., "Beware of Fragmentation", USENIX ATC '23), and what would be left if the node were filled
 * with that kind alone, until GPUs, cpu or memory are used up. The first sees the next pod, the second sees cores that run out before GPUs do.
 */
export function stranded({ weights, cpuMillicores, memoryBytes, gpuCounts, milli }: DemandMix, room: GpuRoom): number {
  const { groups } = room;
  let total = 0;
  for (const group of groups) total += group.milli * group.count;
  if (total === 0) return 0;
  let sum = 0;
  const [first] = groups;
  const needs = first === undefined ? undefined : milli[first.gpuClass];
  const isUniform = groups.every(({ gpuClass }) => gpuClass === first?.gpuClass);
  for (let kind = 0; kind < weights.length; kind += 1) {
    let slots = 0;
    let usable = 0;
    let open = 0;
    for (const group of groups) {
      const need = (isUniform ? needs : milli[group.gpuClass])?.[kind] ?? 0;
      if (need === 0 || group.milli < need) continue;
      const fit = Math.floor(group.milli / need) * group.count;
      slots += fit;
      usable += fit * need;
      open += group.milli * group.count;
    }
    if (slots === 0) {
      sum += 2 * total * (weights[kind] ?? 0);
      continue;
    }
    const gpuCount = gpuCounts[kind] ?? 1;
    const pods = podsOn(room, Math.floor(slots / gpuCount), cpuMillicores[kind] ?? 0, memoryBytes[kind] ?? 0);
    const left = pods < 1 ? 2 * total : 2 * total - open - (usable * pods * gpuCount) / slots;
    sum += (weights[kind] ?? 0) * left;
  }
  return sum;
}

/** How many pods of those amounts, at most `slots`, the free cpu and memory are enough for; parts of pods count. */
function podsOn(room: GpuRoom, slots: number, cpuMillicores: number, memoryBytes: number): number {
  let pods = slots;
  if (pods * cpuMillicores > room.cpuMillicores) pods = room.cpuMillicores / cpuMillicores;
  if (pods * memoryBytes > room.memoryBytes) pods = room.memoryBytes / memoryBytes;
  return pods;
}
