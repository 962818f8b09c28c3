import type { Box } from "../box.js";
import { MAX_POINTS } from "../points.js";
import type { Score, Scorer } from "../score.js";
import type { Shape } from "../shape.js";
import type { Snapshot } from "../snapshot.js";
import { addedBy, ROUNDING } from "../use-with-pod.js";

/** Prefers nodes where the pod leaves cpu and memory used to similar shares, so that neither is stranded. */
export const balanced: Score = {
  name: "balanced",
  prepare: ({ scored }, snapshot) => ({
    within: within(addedBy(scored, snapshot.sizes)),
    rise: ({ slot, cpu, memory, lean }) => {
      // Shares end at one: a share that could not grow lets the other one come nearer.
      if (!isWithin(slot, scored, snapshot)) return ROUNDING + MAX_POINTS * Math.max(cpu, memory);
      const [allCpu, allMemory] = [snapshot.allocatableCpu[slot] ?? 0, snapshot.allocatableMemory[slot] ?? 0];
      const tilt = lean + scored.cpuMillicores / allCpu - scored.memoryBytes / allMemory;
      return ROUNDING + MAX_POINTS * (Math.abs(tilt - cpu + memory) - Math.abs(tilt));
    },
    isRiseKnown: true,
    ...points(scored, snapshot),
  }),
  // However the node leans, the pod cannot have righted it by more than it leans itself.
  riseForAll: ({ slot, cpu, memory }, largest, snapshot) =>
    ROUNDING + MAX_POINTS * (isWithin(slot, largest, snapshot) ? Math.abs(cpu - memory) : Math.max(cpu, memory)),
};

/** True when the node has as much cpu and memory left as a pod is scored. */
function isWithin(slot: number, { cpuMillicores, memoryBytes }: Shape["scored"], snapshot: Snapshot): boolean {
  const { allocatableCpu, allocatableMemory, scoredCpu, scoredMemory } = snapshot;
  return (
    (scoredCpu[slot] ?? 0) + cpuMillicores <= (allocatableCpu[slot] ?? 0) &&
    (scoredMemory[slot] ?? 0) + memoryBytes <= (allocatableMemory[slot] ?? 0)
  );
}

function points({ cpuMillicores, memoryBytes }: Shape["scored"], snapshot: Snapshot): Pick<Scorer, "at" | "add"> {
  const at = (slot: number): number => {
    const { allocatableCpu, allocatableMemory, scoredCpu, scoredMemory } = snapshot;
    const cpu = share(allocatableCpu[slot] ?? 0, (scoredCpu[slot] ?? 0) + cpuMillicores);
    const memory = share(allocatableMemory[slot] ?? 0, (scoredMemory[slot] ?? 0) + memoryBytes);
    return Math.floor(MAX_POINTS * (1 - Math.abs(cpu - memory)));
  };
  return {
    at,
    add: (sums, weight, from, to) => {
      for (let slot = from; slot < to; slot += 1) sums[slot] = (sums[slot] ?? 0) + weight * at(slot);
    },
  };
}

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
