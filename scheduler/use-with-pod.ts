import type { Box } from "./box.js";
import type { Shape } from "./shape.js";

/** The least and most that any node has; nodes that have nothing do not count. */
export interface NodeSizes {
  readonly cpuLeast: number;
  readonly cpuMost: number;
  readonly memoryLeast: number;
  readonly memoryMost: number;
}

/** More than what rounding can make of points. */
export const ROUNDING = 4;

/** Reads the sizes off the columns. */
export function sizesOf(cpu: Float64Array, memory: Float64Array): NodeSizes {
  const [cpuLeast, cpuMost] = rangeOf(cpu);
  const [memoryLeast, memoryMost] = rangeOf(memory);
  return { cpuLeast, cpuMost, memoryLeast, memoryMost };
}

/** What a pod of the shape adds to the shares that are used, on the largest and on the smallest node. */
export function addedBy({ cpuMillicores, memoryBytes }: Shape["scored"], sizes: NodeSizes): Box {
  return {
    cpuLow: cpuMillicores / sizes.cpuMost,
    cpuHigh: cpuMillicores / sizes.cpuLeast,
    memoryLow: memoryBytes / sizes.memoryMost,
    memoryHigh: memoryBytes / sizes.memoryLeast,
  };
}

function rangeOf(column: Float64Array): readonly [number, number] {
  let least = Number.POSITIVE_INFINITY;
  let most = 0;
  for (const amount of column) {
    if (amount <= 0) continue;
    if (amount < least) least = amount;
    if (amount > most) most = amount;
  }
  return most === 0 ? [1, 1] : [least, most];
}
