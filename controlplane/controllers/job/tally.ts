import { indexesText, parseIndexes } from "../../../kinds/index-set.js";
import { metaOf } from "../../../kinds/object.js";
import { conditionOf } from "../../../kinds/pod-state.js";
import { parseTime, rfc3339 } from "../../../lib/clock.js";
import { type Job, JobIndexFailures, JobStatus } from "../../../proto/gen/tallship/v1/job.js";
import type { Pod } from "../../../proto/gen/tallship/v1/pod.js";
import { matchFailure } from "./failure-policy.js";
import { indexOf } from "./tracking.js";

/** What is known of all pods of a job that have ended, gone or not. */
export interface Tally {
  readonly succeeded: number;
  readonly failed: number;
  /** Indexes below completions that are done; empty for a job that is not indexed. */
  readonly done: ReadonlySet<number>;
  /** Indexes below completions that have failed for good. */
  readonly lost: ReadonlySet<number>;
  readonly indexFailures: ReadonlyMap<number, JobIndexFailures>;
  /** Failures since the last success. */
  readonly failuresInRow: number;
  readonly lastFailureTime: string;
  /** Why the whole job fails, by its podFailurePolicy; undefined when it does not. */
  readonly failJob: string | undefined;
}

/** True when each completion has an index of its own. */
export function isIndexed({ spec }: Job): boolean {
  return spec?.completionMode === "Indexed";
}

/** What the status holds. Indexes that completions no longer reaches do not count. */
export function tallyOf(job: Job): Tally {
  const status = job.status ?? JobStatus.fromPartial({});
  const done = new Set(indexesIn(status.completedIndexes, job));
  return {
    succeeded: isIndexed(job) ? done.size : status.succeeded,
    failed: status.failed,
    done,
    lost: new Set(indexesIn(status.failedIndexes ?? "", job)),
    indexFailures: new Map(status.indexFailures.map((each) => [each.index, each])),
    failuresInRow: status.failuresInRow,
    lastFailureTime: status.lastFailureTime,
    failJob: undefined,
  };
}

/** The tally as it stands in a status. */
export function tallyStatus(job: Job, tally: Tally) {
  return {
    succeeded: tally.succeeded,
    failed: tally.failed,
    completedIndexes: isIndexed(job) ? indexesText(tally.done) : "",
    failedIndexes: job.spec?.backoffLimitPerIndex === undefined ? undefined : indexesText(tally.lost),
    indexFailures: [...tally.indexFailures.values()].sort((left, right) => left.index - right.index),
    failuresInRow: tally.failuresInRow,
    lastFailureTime: tally.lastFailureTime,
  };
}

/** The tally with pods counted that have ended; each must be given once in all. Earlier ends come first, whatever the order given. */
export function count(job: Job, before: Tally, ended: readonly Pod[], nowMs: number): Tally {
  return ended
    .map((pod) => ({ pod, atMs: endedAtMs(pod, nowMs) }))
    .sort((left, right) => left.atMs - right.atMs || byName(left.pod, right.pod))
    .reduce((tally, { pod, atMs }) => countOne(job, tally, pod, atMs), before);
}

function countOne(job: Job, tally: Tally, pod: Pod, atMs: number): Tally {
  const index = isIndexed(job) ? indexOf(pod) : undefined;
  const isOutside = isIndexed(job) && (index === undefined || index >= (job.spec?.completions ?? 0));
  if (isOutside) return tally;
  return pod.status?.phase === "Succeeded"
    ? countSuccess(tally, index)
    : countFailure(job, tally, { pod, index, atMs });
}

function countSuccess(tally: Tally, index: number | undefined): Tally {
  const calm = { ...tally, failuresInRow: 0, lastFailureTime: "" };
  if (index === undefined) return { ...calm, succeeded: tally.succeeded + 1 };
  const done = new Set(tally.done).add(index);
  return { ...calm, done, succeeded: done.size, indexFailures: without(tally.indexFailures, index) };
}

interface Failure {
  readonly pod: Pod;
  readonly index: number | undefined;
  readonly atMs: number;
}

function countFailure(job: Job, tally: Tally, failure: Failure): Tally {
  const match = matchFailure(job.spec?.podFailurePolicy, failure.pod);
  const isIgnored = match?.action === "Ignore";
  const counted = {
    ...tally,
    failed: tally.failed + (isIgnored ? 0 : 1),
    failuresInRow: tally.failuresInRow + 1,
    lastFailureTime: rfc3339(failure.atMs),
    failJob: tally.failJob ?? (match?.action === "FailJob" ? match.message : undefined),
  };
  const { index } = failure;
  const limit = job.spec?.backoffLimitPerIndex;
  // An index that is done stays done: a second pod of it that fails says nothing.
  if (index === undefined || limit === undefined || tally.done.has(index)) return counted;
  const before = tally.indexFailures.get(index) ?? JobIndexFailures.fromPartial({ index });
  const after = {
    ...before,
    failed: before.failed + (isIgnored ? 0 : 1),
    ignored: before.ignored + (isIgnored ? 1 : 0),
    lastFailureTime: counted.lastFailureTime,
  };
  if (match?.action === "FailIndex" || after.failed > limit)
    return { ...counted, lost: new Set(tally.lost).add(index), indexFailures: without(tally.indexFailures, index) };
  return { ...counted, indexFailures: new Map(tally.indexFailures).set(index, after) };
}

function without(failures: Tally["indexFailures"], index: number): Tally["indexFailures"] {
  if (!failures.has(index)) return failures;
  const rest = new Map(failures);
  rest.delete(index);
  return rest;
}

function indexesIn(text: string, job: Job): readonly number[] {
  const indexes = parseIndexes(text, Number.POSITIVE_INFINITY) ?? new Set<number>();
  return [...indexes].filter((index) => index < (job.spec?.completions ?? 0));
}

/** When the last of a pod's containers ended, or the pod stopped being ready; now when nobody knows. */
function endedAtMs({ status }: Pod, nowMs: number): number {
  const ends = (status?.containerStatuses ?? []).map(({ state }) => parseTime(state?.terminated?.finishedAt ?? ""));
  const known = ends.filter((ms) => !Number.isNaN(ms));
  if (known.length > 0) return Math.max(...known);
  const readyMs = parseTime(conditionOf(status?.conditions, "Ready")?.lastTransitionTime ?? "");
  return Number.isNaN(readyMs) ? nowMs : readyMs;
}

function byName(left: Pod, right: Pod): number {
  return metaOf(left).name < metaOf(right).name ? -1 : 1;
}
