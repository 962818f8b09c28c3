import type { Rng } from "../../lib/rng.js";
import { merged, type Trace, type TraceNode, type TracePod } from "./trace.js";

/** A value and how often it comes beside the others. */
type Weighed<T> = readonly [readonly [T, number], ...(readonly (readonly [T, number])[])];

interface NodeKind {
  readonly count: number;
  readonly cores: number;
  readonly gib: number;
  readonly gpuCount: number;
  readonly model: string;
}

/** The cluster of the openb trace, as its paper describes it: 1,213 nodes with 6,212 GPUs of seven models. */
const NODE_KINDS: readonly NodeKind[] = [
  { count: 549, cores: 96, gib: 384, gpuCount: 8, model: "G2" },
  { count: 39, cores: 128, gib: 1_024, gpuCount: 8, model: "G3" },
  { count: 421, cores: 96, gib: 512, gpuCount: 2, model: "T4" },
  { count: 131, cores: 64, gib: 256, gpuCount: 2, model: "P100" },
  { count: 3, cores: 32, gib: 128, gpuCount: 1, model: "P100" },
  { count: 39, cores: 64, gib: 256, gpuCount: 4, model: "V100M16" },
  { count: 13, cores: 96, gib: 384, gpuCount: 3, model: "V100M16" },
  { count: 25, cores: 96, gib: 384, gpuCount: 8, model: "V100M32" },
  { count: 1, cores: 128, gib: 512, gpuCount: 2, model: "A10" },
];

/** How the pods of a trace ask. Shares are of all pods. */
export interface Mix {
  readonly name: string;
  readonly none: number;
  readonly shared: number;
  readonly one: number;
  readonly two: number;
  readonly four: number;
  readonly eight: number;
  /** Share of the pods with a GPU that name models. */
  readonly named: number;
  /** Cores for each GPU, beside what is usual. */
  readonly coresScale?: number;
}

/** The published mix, and those by which its authors vary it: more pods without a GPU, more that share, that name models, that take several, and those with many cores. */
export const MIXES: readonly Mix[] = [
  { name: "default", none: 0.133, shared: 0.378, one: 0.48, two: 0.002, four: 0.002, eight: 0.005, named: 0 },
  { name: "cpu50", none: 0.5, shared: 0.218, one: 0.277, two: 0.001, four: 0.001, eight: 0.003, named: 0 },
  { name: "share60", none: 0.133, shared: 0.6, one: 0.258, two: 0.002, four: 0.002, eight: 0.005, named: 0 },
  { name: "share100", none: 0.133, shared: 0.867, one: 0, two: 0, four: 0, eight: 0, named: 0 },
  { name: "spec33", none: 0.133, shared: 0.378, one: 0.48, two: 0.002, four: 0.002, eight: 0.005, named: 0.33 },
  { name: "multi30", none: 0.133, shared: 0.25, one: 0.317, two: 0.1, four: 0.1, eight: 0.1, named: 0 },
  {
    name: "cores",
    none: 0.133,
    shared: 0.378,
    one: 0.48,
    two: 0.002,
    four: 0.002,
    eight: 0.005,
    named: 0,
    coresScale: 1.5,
  },
];

const SHARES: Weighed<number> = [
  [10, 1],
  [20, 2],
  [50, 4],
  [100, 6],
  [200, 8],
  [220, 3],
  [250, 4],
  [300, 5],
  [320, 3],
  [400, 6],
  [450, 4],
  [460, 12],
  [470, 6],
  [480, 10],
  [490, 4],
  [500, 12],
  [590, 4],
  [600, 5],
  [610, 8],
  [650, 5],
  [700, 5],
  [750, 3],
  [800, 5],
  [810, 7],
  [900, 4],
  [950, 2],
];
const CORES_NONE: Weighed<number> = [
  [1, 5],
  [2, 6],
  [4, 10],
  [8, 10],
  [16, 5],
  [32, 3],
  [64, 1],
];
const CORES_SHARED: Weighed<number> = [
  [2, 5],
  [4, 12],
  [6, 14],
  [8, 8],
  [12, 2],
];
const CORES_ONE: Weighed<number> = [
  [2, 4],
  [4, 10],
  [6, 8],
  [8, 22],
  [11.4, 12],
  [12, 10],
  [16, 4],
  [24, 1],
];
const GIB_PER_CORE: Weighed<number> = [
  [1, 2],
  [2, 6],
  [4, 10],
  [5, 2],
];
const NAMED: Weighed<readonly string[]> = [
  [["G2"], 8],
  [["G3"], 1],
  [["T4"], 5],
  [["P100"], 2],
  [["V100M16", "V100M32"], 4],
  [["V100M32"], 2],
  [["G2", "G3"], 3],
];

/** A trace of the openb trace's shape, from a seed. With `scale` the cluster is that part of the whole. */
export function generateTrace(
  mix: Mix,
  rng: Rng,
  { scale, pods }: { readonly scale: number; readonly pods: number },
): Trace {
  const nodes = NODE_KINDS.flatMap(({ count, cores, gib, gpuCount, model }) =>
    Array.from(
      { length: Math.round(count * scale) },
      (_, at): TraceNode => ({
        name: `${model}-${gpuCount}-${String(at).padStart(4, "0")}`,
        cpuMillicores: 1_000 * cores,
        memoryMib: 1_024 * gib,
        gpuCount,
        model,
      }),
    ),
  );
  return { name: mix.name, nodes, pods: merged(Array.from({ length: pods }, () => podOf(mix, rng))) };
}

function podOf(mix: Mix, rng: Rng): TracePod {
  const kind = pick<"none" | "shared" | "one" | "two" | "four" | "eight">(
    [
      ["none", mix.none],
      ["shared", mix.shared],
      ["one", mix.one],
      ["two", mix.two],
      ["four", mix.four],
      ["eight", mix.eight],
    ],
    rng,
  );
  const gpuCount = { none: 0, shared: 1, one: 1, two: 2, four: 4, eight: 8 }[kind];
  const cores = Math.min(
    11 * Math.max(8, gpuCount),
    coresOf(kind, rng) * Math.max(1, gpuCount) * (gpuCount > 0 ? (mix.coresScale ?? 1) : 1),
  );
  return {
    cpuMillicores: Math.round(1_000 * cores),
    memoryMib: Math.round(1_024 * Math.min(cores * pick(GIB_PER_CORE, rng), 320)),
    gpuCount,
    gpuMilli: kind === "none" ? 0 : kind === "shared" ? pick(SHARES, rng) : 1_000,
    models: gpuCount > 0 && rng.float() < mix.named ? pick(NAMED, rng) : [],
  };
}

function coresOf(kind: string, rng: Rng): number {
  if (kind === "none") return pick(CORES_NONE, rng);
  if (kind === "shared") return pick(CORES_SHARED, rng);
  return kind === "one" ? pick(CORES_ONE, rng) : 11;
}

function pick<T>(weighed: Weighed<T>, rng: Rng): T {
  const total = weighed.reduce((sum, [, weight]) => sum + weight, 0);
  let left = rng.float() * total;
  let [[chosen]] = weighed;
  for (const [value, weight] of weighed) {
    if (left < 0) break;
    chosen = value;
    left -= weight;
  }
  return chosen;
}
