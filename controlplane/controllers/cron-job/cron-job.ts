import { applyDefaults } from "../../../kinds/defaults/defaults.js";
import { withOwnSelector } from "../../../kinds/job-selector.js";
import { isJobFinished, jobEnd } from "../../../kinds/job-state.js";
import { metaOf, type ObjectKey } from "../../../kinds/object.js";
import { isDeleting } from "../../../kinds/pod-state.js";
import { rfc3339 } from "../../../lib/clock.js";
import { deepEqual } from "../../../lib/deep-equal.js";
import { limit } from "../../../lib/limits.js";
import { CronJobStatus } from "../../../proto/gen/tallship/v1/cronjob.js";
import { Job } from "../../../proto/gen/tallship/v1/job.js";
import { ObjectReference } from "../../../proto/gen/tallship/v1/meta.js";
import type { CacheChange, Cached, View } from "../../cache/view.js";
import type { Notice } from "../../events/notice.js";
import { type Controller, NOTHING, type ObjectWrite, type Outcome, type ReconcileContext } from "../controller.js";
import { isNamespaceDeleting } from "../namespace-state.js";
import { childMeta, controllerOf, create, remove, replace } from "../writes.js";
import { type Due, dueOf } from "./due.js";

/**
 * Creates a job at each time of a schedule. A job is named for its time and its time stands in the status from the same transaction on, so
 * that no time has two jobs; of several times that passed unseen the last one gets a job.
 */
export const cronJob: Controller = { name: "cron-job", keysFor, reconcile };

/** On a job: the time of the schedule for which it was created. As in Kubernetes. */
const SCHEDULED = "batch.kubernetes.io/cronjob-scheduled-timestamp";

/** Old jobs that one outcome removes. */
const batch = 50;

function keysFor({ key, before, after }: CacheChange): readonly ObjectKey[] {
  if (key.kind === "CronJob") return [key];
  if (key.kind !== "Job") return [];
  return [before, after].flatMap((job): readonly ObjectKey[] => {
    const owner = job && controllerOf(job.object);
    return owner?.kind === "CronJob" ? [{ kind: "CronJob", namespace: key.namespace, name: owner.name }] : [];
  });
}

function reconcile({ namespace, name }: ObjectKey, view: View, context: ReconcileContext): Outcome {
  const cached = view.cached("CronJob", namespace, name);
  if (cached === undefined) return NOTHING; // Deleted: the owner collector removes the jobs.
  const jobs = view.ownedBy("Job", metaOf(cached.object).uid);
  const isFinal = isDeleting(cached.object) || isNamespaceDeleting(namespace, view);
  const isResting = isFinal || cached.object.spec?.suspend === true;
  const due = isResting ? undefined : dueOf(cached.object, context.nowMs);
  const turn: Turn = { cached, jobs, active: jobs.filter((job) => !isJobFinished(job.object)), view, context };
  const started = due?.atMs === undefined ? REST : start(turn, due.atMs);
  const old = isFinal ? [] : historyWrites(turn);
  return {
    writes: [...report(turn, started), ...started.writes, ...old],
    notices: [
      ...newsOf(turn),
      ...(due?.isFarBehind === true && started.job ? [farBehind(turn)] : []),
      ...started.notices,
    ],
    againMs: due && untilNextMs(due, context.nowMs),
  };
}

interface Turn {
  readonly cached: Cached<"CronJob">;
  readonly jobs: readonly Cached<"Job">[];
  /** Those that have not finished. */
  readonly active: readonly Cached<"Job">[];
  readonly view: View;
  readonly context: ReconcileContext;
}

/** What a time that is due leads to. */
interface Started {
  readonly job: Job | undefined;
  /** The time is done with: its job was created, or never can be. */
  readonly doneMs: number | undefined;
  readonly removed: readonly Cached<"Job">[];
  readonly writes: readonly ObjectWrite[];
  readonly notices: readonly Notice[];
}

const REST: Started = { job: undefined, doneMs: undefined, removed: [], writes: [], notices: [] };

/** The wall clock may be set while one waits: it is looked at now and then. */
function untilNextMs({ nextMs }: Due, nowMs: number): number {
  const mostMs = limit("cronLookMs");
  return nextMs === undefined ? mostMs : Math.min(mostMs, Math.max(1, nextMs - nowMs));
}

function start(turn: Turn, atMs: number): Started {
  const { cached, active, view, context } = turn;
  const { spec } = cached.object;
  const policy = spec?.concurrencyPolicy;
  if (policy === "Forbid" && active.length > 0) {
    const why = "Not starting job because prior execution is running and concurrency policy is Forbid";
    return { ...REST, notices: [notice(turn, "Normal", "JobAlreadyActive", why)] };
  }
  const job = jobAt(cached, atMs, context);
  const { namespace, name } = metaOf(job);
  const standing = view.get("Job", namespace, name);
  if (standing !== undefined) {
    const isOwn = controllerOf(standing)?.uid === metaOf(cached.object).uid;
    const why = `Error creating job: jobs.batch "${name}" already exists`;
    return { ...REST, doneMs: atMs, notices: isOwn ? [] : [notice(turn, "Warning", "FailedCreate", why)] };
  }
  const removed = policy === "Replace" ? active.filter((each) => !isDeleting(each.object)) : [];
  return {
    job,
    doneMs: atMs,
    removed,
    writes: [...removed.flatMap((each) => remove(each, { nowMs: context.nowMs })), create("Job", job)],
    notices: [
      ...removed.map((each) => notice(turn, "Normal", "SuccessfulDelete", `Deleted job ${metaOf(each.object).name}`)),
      notice(turn, "Normal", "SuccessfulCreate", `Created job ${name}`),
    ],
  };
}

/** The job of a time, as admission would make it. */
function jobAt(cached: Cached<"CronJob">, atMs: number, context: ReconcileContext): Job {
  const { metadata, spec } = cached.object.spec?.jobTemplate ?? {};
  const name = `${metaOf(cached.object).name}-${Math.floor(atMs / 60_000)}`;
  const annotations = { ...metadata?.annotations, [SCHEDULED]: rfc3339(atMs) };
  const parts = { labels: metadata?.labels ?? {}, annotations, finalizers: metadata?.finalizers ?? [] };
  const object = { ...Job.fromPartial({}), metadata: childMeta(cached, name, parts, context), spec };
  return withOwnSelector(applyDefaults<"Job">({ kind: "Job", object }).object);
}

/** The write of the status, when it says something new. */
function report({ cached, jobs, active }: Turn, { job, doneMs, removed }: Started): readonly ObjectWrite[] {
  const before = cached.object.status ?? CronJobStatus.fromPartial({});
  const running = [
    ...active.filter((each) => !removed.includes(each)).map(({ object }) => object),
    ...(job === undefined ? [] : [job]),
  ];
  const successes = jobs.map(({ object }) => object.status?.completionTime ?? "");
  const status: CronJobStatus = {
    active: running.map(referenceTo),
    lastScheduleTime: doneMs === undefined ? before.lastScheduleTime : rfc3339(doneMs),
    lastSuccessfulTime: [before.lastSuccessfulTime, ...successes].sort().at(-1) ?? "",
  };
  return deepEqual(status, before) ? [] : [replace(cached, { ...cached.object, status })];
}

function referenceTo(job: Job): ObjectReference {
  const { namespace, name, uid } = metaOf(job);
  return ObjectReference.fromPartial({ kind: "Job", apiVersion: "batch/v1", namespace, name, uid });
}

/** Finished jobs beyond the number that is kept of their kind, the oldest first. */
function historyWrites({ cached, jobs, context }: Turn): readonly ObjectWrite[] {
  const { successfulJobsHistoryLimit = 3, failedJobsHistoryLimit = 1 } = cached.object.spec ?? {};
  const surplus = [
    { type: "Complete", kept: successfulJobsHistoryLimit },
    { type: "Failed", kept: failedJobsHistoryLimit },
  ].flatMap(({ type, kept }) => {
    const finished = jobs.filter(({ object }) => jobEnd(object)?.type === type && !isDeleting(object)).sort(byStart);
    return finished.slice(0, Math.max(0, finished.length - kept));
  });
  return surplus.slice(0, batch).flatMap((job) => remove(job, { nowMs: context.nowMs }));
}

function byStart(left: Cached<"Job">, right: Cached<"Job">): number {
  const [was, is] = [left, right].map(({ object }) => `${object.status?.startTime} ${metaOf(object).name}`);
  return (was ?? "") < (is ?? "") ? -1 : 1;
}

/** What has become of the jobs that the status says run. */
function newsOf(turn: Turn): readonly Notice[] {
  return (turn.cached.object.status?.active ?? []).flatMap(({ name, uid }): readonly Notice[] => {
    const job = turn.jobs.find(({ object }) => metaOf(object).uid === uid);
    if (job === undefined) return [notice(turn, "Normal", "MissingJob", `Active job went missing: ${name}`)];
    const end = jobEnd(job.object);
    if (end === undefined) return [];
    return [notice(turn, "Normal", "SawCompletedJob", `Saw completed job: ${name}, condition: ${end.type}`)];
  });
}

function farBehind(turn: Turn): Notice {
  const message =
    "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew: one job is created for them all";
  return notice(turn, "Warning", "TooManyMissedTimes", message);
}

function notice({ cached }: Turn, type: Notice["type"], reason: string, message: string): Notice {
  const { namespace, name } = metaOf(cached.object);
  return { about: { kind: "CronJob", namespace, name }, type, reason, message };
}
