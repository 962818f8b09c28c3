import { WHOLE_DEVICE } from "../../kinds/gpu-share.js";
import { type Device, isGpu, isSuitable, milliOf } from "./board.js";
import type { DeviceDemand } from "./demand.js";

/** Pods that ask for the same of GPUs, cpu and memory, and how many have a node. */
export interface DemandKind {
  readonly demand: DeviceDemand;
  readonly cpuMillicores: number;
  readonly memoryBytes: number;
  readonly count: number;
}

/** What pods ask of GPUs, kind by kind in columns: it decides which nodes to leave whole. */
export interface DemandMix {
  /** How much each kind counts; together 1, or nothing when there are none. */
  readonly weights: Float64Array;
  readonly cpuMillicores: Float64Array;
  readonly memoryBytes: Float64Array;
  /** GPUs of one pod: 1 for who asks for a share. */
  readonly gpuCounts: Float64Array;
  /** By class of GPUs, then kind: thousandths that a pod takes of one; 0: it cannot use such a GPU. */
  readonly milli: readonly Float64Array[];
}

/** Kinds that are looked at; with more, the rarest are left out. */
const MOST_KINDS = 128;

/**
 * What pods ask for, weighed by how many ask, and the more the fewer GPUs would do for them: what only few can do without is kept for those. Counts are
 * taken by powers of two, so that one pod more seldom makes a difference.
 */
export function mixOf(counts: ReadonlyMap<string, DemandKind>, given: Supply): DemandMix {
  const { classes, supply } = given;
  const total = supply.reduce((sum, count) => sum + count, 0);
  const frequent = [...counts]
    .sort(([a, left], [b, right]) => right.count - left.count || (a < b ? -1 : 1))
    .slice(0, MOST_KINDS)
    .map(([, kind]) => kind);
  const kinds = [...frequent, ...expected(given)].map((kind) => ({
    ...kind,
    milli: classes.map((device) => milliOn(kind.demand, device)),
  }));
  const weights = Float64Array.from(kinds, ({ count, milli }) => {
    const usable = milli.reduce((sum, each, at) => sum + (each > 0 ? (supply[at] ?? 0) : 0), 0);
    return usable === 0 ? 0 : (2 ** Math.floor(Math.log2(count)) * total) / usable;
  });
  const sum = weights.reduce((all, weight) => all + weight, 0);
  return {
    weights: weights.map((weight) => (sum === 0 ? 0 : weight / sum)),
    cpuMillicores: Float64Array.from(kinds, (kind) => kind.cpuMillicores),
    memoryBytes: Float64Array.from(kinds, (kind) => kind.memoryBytes),
    gpuCounts: Float64Array.from(kinds, ({ demand }) => Math.max(1, wholesOf(demand))),
    milli: classes.map((_, at) => Float64Array.from(kinds, ({ milli }) => milli[at] ?? 0)),
  };
}

/** The GPUs of a cluster. */
export interface Supply {
  /** One GPU of each class. */
  readonly classes: readonly Device[];
  /** How many there are of each. */
  readonly supply: readonly number[];
  /** The most that one node has. */
  readonly largest: number;
  /** What the nodes have beside each GPU, on average. */
  readonly cpuMillicores: number;
  readonly memoryBytes: number;
}

/** What is expected before anybody has asked: a GPU, half of one, and all that the largest node has, with half of the usual beside them. Counts as one pod each. */
function expected({ classes, largest, cpuMillicores, memoryBytes }: Supply): readonly DemandKind[] {
  const resources = [...new Set(classes.map(({ resource }) => resource))];
  const base = { key: "", models: [], named: [], isSingleNuma: false };
  const ask = (gpus: number, demand: Pick<DeviceDemand, "wholes" | "share">): DemandKind => ({
    demand: { ...base, ...demand },
    cpuMillicores: (gpus * cpuMillicores) / 2,
    memoryBytes: (gpus * memoryBytes) / 2,
    count: 1,
  });
  const wholes = resources.flatMap((resource) =>
    [1, largest].map((count) => ask(count, { wholes: [{ resource, count }], share: undefined })),
  );
  return [...wholes, ask(0.5, { wholes: [], share: { milli: WHOLE_DEVICE / 2, bytes: 0 } })];
}

/** True when GPUs are asked for, or a share of one. */
export function isForGpus(demand: DeviceDemand): boolean {
  return demand.share !== undefined || wholesOf(demand) > 0;
}

function wholesOf({ wholes }: DeviceDemand): number {
  return wholes.reduce((sum, whole) => sum + (isGpu(whole) ? whole.count : 0), 0);
}

function milliOn(demand: DeviceDemand, device: Device): number {
  if (!isSuitable(device, { ...demand, named: [] })) return 0;
  if (demand.share === undefined)
    return demand.wholes.some(({ resource }) => resource === device.resource) ? WHOLE_DEVICE : 0;
  const milli = milliOf(demand.share, device.memoryBytes);
  return milli <= WHOLE_DEVICE ? milli : 0;
}
