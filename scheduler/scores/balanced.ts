import { MAX_POINTS, type Score } from "../score.js";
import type { Box } from "../use-grid.js";
import { addedBy, ROUNDING } from "../use-with-pod.js";

/** Prefers nodes where the pod leaves cpu and memory used to similar shares, so that neither is stranded. */
export const balanced: Score = {
  name: "balanced",
  prepare: ({ scored }, snapshot) => ({
    within: within(addedBy(scored, snapshot.sizes)),
    rise: ({ slot, cpu, memory, lean }) => {
      const { allocatableCpu, allocatableMemory, scoredCpu, scoredMemory } = snapshot;
      const [allCpu, allMemory] = [allocatableCpu[slot] ?? 0, allocatableMemory[slot] ?? 0];
      const isWithin =
        (scoredCpu[slot] ?? 0) + scored.cpuMillicores <= allCpu &&
        (scoredMemory[slot] ?? 0) + scored.memoryBytes <= allMemory;
      // Shares end at one: a share that could not grow lets the other one come nearer.
      if (!isWithin) return ROUNDING + MAX_POINTS * Math.max(cpu, memory);
      const tilt = lean + scored.cpuMillicores / allCpu - scored.memoryBytes / allMemory;
      return ROUNDING + MAX_POINTS * (Math.abs(tilt - cpu + memory) - Math.abs(tilt));
    },
    add: (points, weight, from, to) => {
      const { allocatableCpu: cpu, allocatableMemory: memory, scoredCpu, scoredMemory } = snapshot;
      for (let slot = from; slot < to; slot += 1) {
        const cpuShare = share(cpu[slot] ?? 0, (scoredCpu[slot] ?? 0) + scored.cpuMillicores);
        const memoryShare = share(memory[slot] ?? 0, (scoredMemory[slot] ?? 0) + scored.memoryBytes);
        points[slot] = (points[slot] ?? 0) + weight * Math.floor(MAX_POINTS * (1 - Math.abs(cpuShare - memoryShare)));
      }
    },
  }),
};

/** The shares lie in two ranges: at best they are as near as those come. */
function within(added: Box): (box: Box) => number {
  return ({ cpuLow, cpuHigh, memoryLow, memoryHigh }) => {
    const cpuOver = Math.min(1, cpuLow + added.cpuLow) - memoryHigh - added.memoryHigh;
    const memoryOver = Math.min(1, memoryLow + added.memoryLow) - cpuHigh - added.cpuHigh;
    return MAX_POINTS * (1 - Math.max(0, cpuOver, memoryOver)) + ROUNDING;
  };
}

function share(allocatable: number, used: number): number {
  return used >= allocatable ? 1 : used / allocatable;
}
