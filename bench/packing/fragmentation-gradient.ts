import { WHOLE_DEVICE } from "../../kinds/gpu-share.js";
import type { Cost, Spot } from "./arena.js";
import type { TracePod } from "./trace.js";

/** Pods that ask for the same, and their share of all. */
interface Typical {
  readonly pod: TracePod;
  readonly share: number;
}

/** Of the pods, the most frequent that together are so many count as typical. */
const TYPICAL = 0.95;

/**
 * Fragmentation gradient descent (Weng et al., "Beware of Fragmentation: Scheduling GPU-Sharing Workloads with Fragmentation Gradient Descent", USENIX
 * ATC '23): the pod goes where it adds the least to the GPUs that typical pods, known beforehand, could not use.
 */
export function fragmentationGradient(pods: readonly TracePod[]): Cost {
  const typical = typicalOf(pods);
  const before = new WeakMap<Spot, { version: number; fragment: number }>();
  return (spot, pod, seat) => {
    let known = before.get(spot);
    if (known?.version !== spot.version) known = { version: spot.version, fragment: fragmentOf(spot, typical) };
    before.set(spot, known);
    const gpus = spot.gpus.map((free, at) => (seat.includes(at) ? free - pod.gpuMilli : free));
    const after = {
      ...spot,
      gpus,
      cpuMillicores: spot.cpuMillicores - pod.cpuMillicores,
      memoryMib: spot.memoryMib - pod.memoryMib,
    };
    return fragmentOf(after, typical) - known.fragment;
  };
}

/** Thousandths of free GPUs that a typical pod could not use, on average. */
function fragmentOf({ node, gpus, cpuMillicores, memoryMib }: Spot, typical: readonly Typical[]): number {
  const free = gpus.filter((milli) => milli > 0);
  const total = free.reduce((sum, milli) => sum + milli, 0);
  const wholes = free.filter((milli) => milli === WHOLE_DEVICE).length;
  if (total === 0) return 0;
  let sum = 0;
  for (const { pod, share } of typical) {
    const isOn = cpuMillicores >= pod.cpuMillicores && memoryMib >= pod.memoryMib;
    const isModel = pod.models.length === 0 || pod.models.includes(node.model);
    const isWhole = pod.gpuMilli === WHOLE_DEVICE;
    let usable = 0;
    for (const milli of free) if (milli >= pod.gpuMilli) usable += milli;
    const isUsed = isOn && isModel && pod.gpuCount > 0 && (isWhole ? wholes >= pod.gpuCount : usable > 0);
    sum += share * (isUsed ? total - usable : total);
  }
  return sum;
}

function typicalOf(pods: readonly TracePod[]): readonly Typical[] {
  const counts = new Map<TracePod, number>();
  for (const pod of pods) counts.set(pod, (counts.get(pod) ?? 0) + 1);
  const sorted = [...counts].sort(([, left], [, right]) => right - left);
  let seen = 0;
  return sorted
    .filter(([, count]) => {
      seen += count;
      return seen - count < TYPICAL * pods.length;
    })
    .map(([pod, count]) => ({ pod, share: count / pods.length }));
}
