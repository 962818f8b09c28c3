import type { Box } from "../box.js";
import { MAX_POINTS } from "../points.js";
import type { Score, Scorer } from "../score.js";
import type { Shape } from "../shape.js";
import type { Load } from "../slot-loads.js";
import type { Snapshot } from "../snapshot.js";
import { addedBy, ROUNDING } from "../use-with-pod.js";

/** Prefers nodes with more of cpu and memory left: load is spread, and a node that is lost takes less with it. */
export const leastAllocated: Score = {
  name: "least-allocated",
  prepare: ({ scored, utilization }, snapshot) =>
    utilization === undefined
      ? {
          within: leastWithin(addedBy(scored, snapshot.sizes)),
          rise: (load) => leastRise(load, scored, snapshot),
          isRiseKnown: true,
          ...leastPoints(scored, snapshot),
        }
      : undefined,
  // The more a pod asks for, the sooner nothing is left.
  riseForAll: leastRise,
};

/** Prefers nodes with less of cpu and memory left: whole nodes stay free for large pods, or can be switched off. */
export const mostAllocated: Score = {
  name: "most-allocated",
  prepare: ({ scored, utilization }, snapshot) =>
    utilization === undefined
      ? { within: mostWithin(addedBy(scored, snapshot.sizes)), ...mostPoints(scored, snapshot) }
      : undefined,
};

function leastRise({ slot, cpu, memory }: Load, scored: Shape["scored"], snapshot: Snapshot): number {
  const isCpuLeft = (snapshot.scoredCpu[slot] ?? 0) + scored.cpuMillicores <= (snapshot.allocatableCpu[slot] ?? 0);
  const isMemoryLeft =
    (snapshot.scoredMemory[slot] ?? 0) + scored.memoryBytes <= (snapshot.allocatableMemory[slot] ?? 0);
  // Where nothing is left the points were none before, perhaps.
  return ROUNDING - (MAX_POINTS / 2) * ((isCpuLeft ? cpu : 0) + (isMemoryLeft ? memory : 0));
}

type Points = Pick<Scorer, "at" | "add">;

function leastPoints({ cpuMillicores, memoryBytes }: Shape["scored"], snapshot: Snapshot): Points {
  const at = (slot: number): number => {
    const { allocatableCpu, allocatableMemory, scoredCpu, scoredMemory } = snapshot;
    const cpu = leftPoints(allocatableCpu[slot] ?? 0, (scoredCpu[slot] ?? 0) + cpuMillicores);
    const memory = leftPoints(allocatableMemory[slot] ?? 0, (scoredMemory[slot] ?? 0) + memoryBytes);
    return Math.floor((cpu + memory) / 2);
  };
  return {
    at,
    // Not by `addEach`: a loop of its own is compiled for what it calls.
    add: (points, weight, from, to) => {
      for (let slot = from; slot < to; slot += 1) points[slot] = (points[slot] ?? 0) + weight * at(slot);
    },
  };
}

function mostPoints({ cpuMillicores, memoryBytes }: Shape["scored"], snapshot: Snapshot): Points {
  const at = (slot: number): number => {
    const { allocatableCpu, allocatableMemory, scoredCpu, scoredMemory } = snapshot;
    const cpu = usedPoints(allocatableCpu[slot] ?? 0, (scoredCpu[slot] ?? 0) + cpuMillicores);
    const memory = usedPoints(allocatableMemory[slot] ?? 0, (scoredMemory[slot] ?? 0) + memoryBytes);
    return Math.floor((cpu + memory) / 2);
  };
  return {
    at,
    add: (points, weight, from, to) => {
      for (let slot = from; slot < to; slot += 1) points[slot] = (points[slot] ?? 0) + weight * at(slot);
    },
  };
}

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
