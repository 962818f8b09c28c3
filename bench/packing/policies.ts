import { WHOLE_DEVICE } from "../../kinds/gpu-share.js";
import { seededRng } from "../../lib/rng.js";
import { anywhere, type Cost, cheapest, type Placer, type Seat, type Spot } from "./arena.js";
import { fragmentationGradient } from "./fragmentation-gradient.js";
import { tallship } from "./tallship.js";
import { milliOf, type Trace } from "./trace.js";

/** The policies that are compared, each by what places pods one by one. The last is what Tallship does by default. */
export const POLICIES: readonly { readonly name: string; placer(trace: Trace, seed: number): Placer }[] = [
  { name: "random", placer: ({ nodes }, seed) => anywhere(nodes, seededRng(seed ^ 0x5eed)) },
  { name: "dotproduct", placer: (trace) => cheapest(trace.nodes, dotProduct(sizesOf(trace))) },
  { name: "bestfit", placer: (trace) => cheapest(trace.nodes, bestFit(sizesOf(trace))) },
  { name: "fgd", placer: (trace) => cheapest(trace.nodes, fragmentationGradient(trace.pods)) },
  { name: "tallship", placer: ({ nodes }) => tallship(nodes) },
];

/** The most that a node has, so that resources can be added. */
interface Sizes {
  readonly cpu: number;
  readonly memory: number;
  readonly gpu: number;
}

function sizesOf({ nodes }: Trace): Sizes {
  const most = (of: (node: Trace["nodes"][number]) => number): number => Math.max(1, ...nodes.map(of));
  return {
    cpu: most(({ cpuMillicores }) => cpuMillicores),
    memory: most(({ memoryMib }) => memoryMib),
    gpu: most(({ gpuCount }) => gpuCount * WHOLE_DEVICE),
  };
}

/** The node where least would be left, resources added by their share of the largest node; there the fullest GPU. */
function bestFit({ cpu, memory, gpu }: Sizes): Cost {
  return (spot, pod, seat) =>
    (spot.cpuMillicores - pod.cpuMillicores) / cpu +
    (spot.memoryMib - pod.memoryMib) / memory +
    (freeMilli(spot) - milliOf(pod)) / gpu +
    CRUMB * leftOf(spot, seat);
}

/** The node where free and asked-for resources have the smallest product; there the fullest GPU. */
function dotProduct({ cpu, memory, gpu }: Sizes): Cost {
  return (spot, pod, seat) =>
    (spot.cpuMillicores * pod.cpuMillicores) / cpu ** 2 +
    (spot.memoryMib * pod.memoryMib) / memory ** 2 +
    (freeMilli(spot) * milliOf(pod)) / gpu ** 2 +
    CRUMB * leftOf(spot, seat);
}

/** Decides between the GPUs of a node, never between nodes that differ. */
const CRUMB = 1e-9;

function leftOf({ gpus }: Spot, [at]: Seat): number {
  return at === undefined ? 0 : (gpus[at] ?? 0);
}

function freeMilli({ gpus }: Spot): number {
  return gpus.reduce((sum, free) => sum + free, 0);
}
