import type { UtilizationPoint } from "../../kinds/utilization-shape.js";
import type { Box } from "../box.js";
import { MAX_POINTS } from "../points.js";
import { addEach, type Score } from "../score.js";
import { addedBy, ROUNDING } from "../use-with-pod.js";

/** Points for one of the score that users give, and how finely full is told: whole numbers, so that what lies between two points is exact. */
const POINTS_PER_SCORE = MAX_POINTS / 10;
const PARTS_PER_PERCENT = MAX_POINTS / 100;

/** Prefers nodes by how full of cpu and memory they would be with the pod, where the pod says how good that is. Takes the place of least-allocated and most-allocated. */
export const utilization: Score = {
  name: "utilization",
  prepare: ({ utilization: line, scored }, snapshot) => {
    if (line === undefined) return undefined;
    const at = (slot: number): number => {
      const { allocatableCpu, allocatableMemory, scoredCpu, scoredMemory } = snapshot;
      const cpu = partsUsed(allocatableCpu[slot] ?? 0, (scoredCpu[slot] ?? 0) + scored.cpuMillicores);
      const memory = partsUsed(allocatableMemory[slot] ?? 0, (scoredMemory[slot] ?? 0) + scored.memoryBytes);
      return Math.floor((pointsFor(line, cpu) + pointsFor(line, memory)) / 2);
    };
    return { at, add: addEach(at), within: within(line, addedBy(scored, snapshot.sizes)) };
  },
};

/** Millionths that are used with the pod; all, where it is more than all or there was never any. */
function partsUsed(allocatable: number, used: number): number {
  return used >= allocatable ? MAX_POINTS : Math.floor((MAX_POINTS * used) / allocatable);
}

/** The points on the line; before the first and after the last point it goes on level. */
function pointsFor(line: readonly UtilizationPoint[], parts: number): number {
  let before: UtilizationPoint | undefined;
  for (const point of line) {
    const beyond = parts - PARTS_PER_PERCENT * (before?.percent ?? 0);
    if (parts <= PARTS_PER_PERCENT * point.percent) {
      if (before === undefined) return POINTS_PER_SCORE * point.score;
      const rise = POINTS_PER_SCORE * (point.score - before.score);
      const run = PARTS_PER_PERCENT * (point.percent - before.percent);
      return POINTS_PER_SCORE * before.score + Math.floor((rise * beyond) / run);
    }
    before = point;
  }
  return POINTS_PER_SCORE * (before?.score ?? 0);
}

function within(line: readonly UtilizationPoint[], added: Box): (box: Box) => number {
  return (box) => {
    const cpu = mostBetween(line, box.cpuLow + added.cpuLow, box.cpuHigh + added.cpuHigh);
    const memory = mostBetween(line, box.memoryLow + added.memoryLow, box.memoryHigh + added.memoryHigh);
    return (cpu + memory) / 2 + ROUNDING;
  };
}

/** The most points for any share in the range: at one of its ends, or at a point between them. A steep line makes much of little, so the ends give way by a part. */
function mostBetween(line: readonly UtilizationPoint[], low: number, high: number): number {
  const from = Math.max(0, Math.floor(MAX_POINTS * Math.min(1, low)) - 1);
  const to = Math.min(MAX_POINTS, Math.ceil(MAX_POINTS * Math.min(1, high)) + 1);
  let most = Math.max(pointsFor(line, from), pointsFor(line, to));
  for (const { percent, score } of line)
    if (PARTS_PER_PERCENT * percent >= from && PARTS_PER_PERCENT * percent <= to)
      most = Math.max(most, POINTS_PER_SCORE * score);
  return most;
}
