import type { Job } from "../../../proto/gen/tallship/v1/job.js";
import type { Cached } from "../../cache/view.js";
import { leastLoss } from "../pod-ranking.js";
import { untilRetryMs } from "./backoff.js";
import { isIndexed, type Tally } from "./tally.js";
import { indexOf, waitsForEnd } from "./tracking.js";

/** What a job's number of pods is decided from. */
export interface WantedGround {
  readonly tally: Tally;
  /** Pods that are pending or running and not being deleted. */
  readonly active: readonly Cached<"Pod">[];
  /** Pods that are being deleted and have not ended. */
  readonly terminating: readonly Cached<"Pod">[];
  readonly nowMs: number;
  /** Most pods that may be created or removed. */
  readonly most: number;
}

/** Pods to create and to remove; never both. */
export interface Wanted {
  /** One entry per pod: its index, or undefined for a job that is not indexed. */
  readonly create: readonly (number | undefined)[];
  readonly remove: readonly Cached<"Pod">[];
  /** Milliseconds until pods may be created that wait after a failure. */
  readonly againMs: number | undefined;
  /** There is more of it than `most`. */
  readonly isCut: boolean;
}

const REST: Wanted = { create: [], remove: [], againMs: undefined, isCut: false };

/** Which pods a job that goes on needs, and which are too many. Never more than parallelism at once, nor more than are left to do. */
export function wantedPods(job: Job, ground: WantedGround): Wanted {
  const { active, terminating, tally, most } = ground;
  if (job.spec?.suspend === true) return cut({ ...REST, remove: active }, most);
  const bound = mostActive(job, tally, active.length);
  const useless = isIndexed(job) ? uselessPods(job, tally, active) : [];
  const others = active.filter((pod) => !useless.includes(pod));
  const surplus = leastLoss(others, active.length - useless.length - bound);
  if (useless.length + surplus.length > 0) return cut({ ...REST, remove: [...useless, ...surplus] }, most);
  const room = bound - active.length - (waitsForEnd(job) ? terminating.length : 0);
  return room > 0 ? newPods(job, ground, room) : REST;
}

function mostActive({ spec }: Job, tally: Tally, activeCount: number): number {
  const parallelism = spec?.parallelism ?? 1;
  // A queue that had a success runs out: nothing new begins.
  if (spec?.completions === undefined) return tally.succeeded > 0 ? Math.min(activeCount, parallelism) : parallelism;
  return Math.max(0, Math.min(parallelism, spec.completions - tally.succeeded));
}

function newPods(job: Job, ground: WantedGround, room: number): Wanted {
  const { tally, nowMs, most } = ground;
  if (job.spec?.backoffLimitPerIndex !== undefined) return newIndependentPods(job, ground, room);
  const waitMs = untilRetryMs(tally.failuresInRow, tally.lastFailureTime, nowMs);
  if (waitMs > 0) return { ...REST, againMs: waitMs };
  const create = isIndexed(job) ? [...pendingIndexes(job, ground)].slice(0, room) : Array(room).fill(undefined);
  return cut({ ...REST, create }, most);
}

/** Each index waits for itself. */
function newIndependentPods(job: Job, ground: WantedGround, room: number): Wanted {
  const waits = [...pendingIndexes(job, ground)].slice(0, room).map((index) => {
    const { failed = 0, ignored = 0, lastFailureTime = "" } = ground.tally.indexFailures.get(index) ?? {};
    return { index, waitMs: untilRetryMs(failed + ignored, lastFailureTime, ground.nowMs) };
  });
  const create = waits.filter(({ waitMs }) => waitMs === 0).map(({ index }) => index);
  const ahead = waits.flatMap(({ waitMs }) => (waitMs > 0 ? [waitMs] : []));
  return cut({ ...REST, create, againMs: ahead.length === 0 ? undefined : Math.min(...ahead) }, ground.most);
}

/** Indexes that are neither done nor failed and have no pod, lowest first. */
function* pendingIndexes({ spec }: Job, { tally, active, terminating }: WantedGround): Generator<number> {
  // While a pod of the index may still run, and is waited for, the index is taken.
  const holding = spec?.podReplacementPolicy === "Failed" ? [...active, ...terminating] : active;
  const taken = new Set(holding.map(({ object }) => indexOf(object)));
  for (let index = 0; index < (spec?.completions ?? 0); index += 1)
    if (!taken.has(index) && !tally.done.has(index) && !tally.lost.has(index)) yield index;
}

/** Pods of indexes that nobody waits for: beyond the last, done, failed, or held by another pod too. */
function uselessPods({ spec }: Job, tally: Tally, active: readonly Cached<"Pod">[]): readonly Cached<"Pod">[] {
  const byIndex = new Map<number, Cached<"Pod">[]>();
  const useless: Cached<"Pod">[] = [];
  for (const pod of active) {
    const index = indexOf(pod.object);
    if (index === undefined || index >= (spec?.completions ?? 0) || tally.done.has(index) || tally.lost.has(index))
      useless.push(pod);
    else byIndex.set(index, [...(byIndex.get(index) ?? []), pod]);
  }
  // Of several pods of one index the one that is worth most stays.
  const doubled = [...byIndex.values()].filter(({ length }) => length > 1);
  return [...useless, ...doubled.flatMap((pods) => leastLoss(pods, pods.length - 1))];
}

function cut(wanted: Wanted, most: number): Wanted {
  const isCut = wanted.create.length > most || wanted.remove.length > most;
  return { ...wanted, create: wanted.create.slice(0, most), remove: wanted.remove.slice(0, most), isCut };
}
