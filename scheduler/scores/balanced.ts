import { MAX_POINTS, type Score } from "../score.js";

/** Prefers nodes where the pod leaves cpu and memory used to similar shares, so that neither is stranded. */
export const balanced: Score = {
  name: "balanced",
  prepare: ({ scored }, snapshot) => ({
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

function share(allocatable: number, used: number): number {
  return used >= allocatable ? 1 : used / allocatable;
}
