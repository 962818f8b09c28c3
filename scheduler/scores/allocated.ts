import { MAX_POINTS, type Score } from "../score.js";
import type { Box } from "../use-grid.js";
import { addedBy, ROUNDING } from "../use-with-pod.js";

/** Prefers nodes with more of cpu and memory left: load is spread, and a node that is lost takes less with it. */
export const leastAllocated: Score = {
  name: "least-allocated",
  prepare: ({ scored }, snapshot) => ({
    within: leastWithin(addedBy(scored, snapshot.sizes)),
    rise: ({ slot, cpu, memory }) => {
      const isCpuLeft = (snapshot.scoredCpu[slot] ?? 0) + scored.cpuMillicores <= (snapshot.allocatableCpu[slot] ?? 0);
      const isMemoryLeft =
        (snapshot.scoredMemory[slot] ?? 0) + scored.memoryBytes <= (snapshot.allocatableMemory[slot] ?? 0);
      // Where nothing is left the points were none before, perhaps.
      return ROUNDING - (MAX_POINTS / 2) * ((isCpuLeft ? cpu : 0) + (isMemoryLeft ? memory : 0));
    },
    add: (points, weight, from, to) => {
      const { allocatableCpu: cpu, allocatableMemory: memory, scoredCpu, scoredMemory } = snapshot;
      for (let slot = from; slot < to; slot += 1) {
        const cpuPoints = leftPoints(cpu[slot] ?? 0, (scoredCpu[slot] ?? 0) + scored.cpuMillicores);
        const memoryPoints = leftPoints(memory[slot] ?? 0, (scoredMemory[slot] ?? 0) + scored.memoryBytes);
        points[slot] = (points[slot] ?? 0) + weight * Math.floor((cpuPoints + memoryPoints) / 2);
      }
    },
  }),
};

/** Prefers nodes with less of cpu and memory left: whole nodes stay free for large pods, or can be switched off. */
export const mostAllocated: Score = {
  name: "most-allocated",
  prepare: ({ scored }, snapshot) => ({
    within: mostWithin(addedBy(scored, snapshot.sizes)),
    add: (points, weight, from, to) => {
      const { allocatableCpu: cpu, allocatableMemory: memory, scoredCpu, scoredMemory } = snapshot;
      for (let slot = from; slot < to; slot += 1) {
        const cpuPoints = usedPoints(cpu[slot] ?? 0, (scoredCpu[slot] ?? 0) + scored.cpuMillicores);
        const memoryPoints = usedPoints(memory[slot] ?? 0, (scoredMemory[slot] ?? 0) + scored.memoryBytes);
        points[slot] = (points[slot] ?? 0) + weight * Math.floor((cpuPoints + memoryPoints) / 2);
      }
    },
  }),
};

function leastWithin(added: Box): (box: Box) => number {
  return ({ cpuLow, memoryLow }) => {
    const cpu = Math.max(0, 1 - cpuLow - added.cpuLow);
    return (MAX_POINTS * (cpu + Math.max(0, 1 - memoryLow - added.memoryLow))) / 2 + ROUNDING;
  };
}

function mostWithin(added: Box): (box: Box) => number {
  return ({ cpuHigh, memoryHigh }) => {
    const cpu = Math.min(1, cpuHigh + added.cpuHigh);
    return (MAX_POINTS * (cpu + Math.min(1, memoryHigh + added.memoryHigh))) / 2 + ROUNDING;
  };
}

/** Points for the share that is left after the pod; none where nothing is, or where there was never any. */
function leftPoints(allocatable: number, used: number): number {
  return used >= allocatable ? 0 : Math.floor((MAX_POINTS * (allocatable - used)) / allocatable);
}

/** Points for the share that is used with the pod; none where it is more than all. */
function usedPoints(allocatable: number, used: number): number {
  return used > allocatable || allocatable === 0 ? 0 : Math.floor((MAX_POINTS * used) / allocatable);
}
