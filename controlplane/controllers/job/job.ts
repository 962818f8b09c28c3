import type { DeleteOptions } from "../../../kinds/deletion.js";
import { isJobFinished, jobEnd } from "../../../kinds/job-state.js";
import { matchesSelector } from "../../../kinds/label-selector.js";
import { metaOf, type ObjectKey } from "../../../kinds/object.js";
import { isDeleting, isPodActive, isPodFinished } from "../../../kinds/pod-state.js";
import { powerOf } from "../../../kinds/power.js";
import { parseTime } from "../../../lib/clock.js";
import { deepEqual } from "../../../lib/deep-equal.js";
import { limit } from "../../../lib/limits.js";
import type { Job, JobStatus } from "../../../proto/gen/tallship/v1/job.js";
import type { Pod } from "../../../proto/gen/tallship/v1/pod.js";
import { ofKind } from "../../cache/of-kind.js";
import type { CacheChange, Cached, View } from "../../cache/view.js";
import type { Notice } from "../../events/notice.js";
import { claim } from "../claim.js";
import { type Controller, NOTHING, type ObjectWrite, type Outcome, type ReconcileContext } from "../controller.js";
import { letThroughCount } from "../let-through.js";
import { isNamespaceDeleting } from "../namespace-state.js";
import { podNotice } from "../pod-notice.js";
import { controllerOf, create, remove, replace } from "../writes.js";
import { type Ending, endingOf, untilDeadlineMs } from "./ending.js";
import { newPods } from "./pods.js";
import { jobImages, statusOf } from "./status.js";
import { count, type Tally, tallyOf } from "./tally.js";
import { isLost, isStopped, isTerminating, isTracked, release, TRACKING, waitsForEnd } from "./tracking.js";
import { type Wanted, wantedPods } from "./wanted.js";

/**
 * Runs pods until enough have succeeded. Every pod is counted exactly once: it carries a finalizer from its creation, so that it cannot go
 * unseen, and the transaction that counts it in the status is the one that takes the finalizer away. Kubernetes, which cannot write both at
 * once, lists pods in between as uncounted.
 */
export const job: Controller = { name: "job", keysFor, reconcile };

/** Pods that one outcome touches: with the job itself they fill a transaction, which must not be cut. */
const batch = limit("transactionObjects") - 1;

/** The controller that a job names when it means this one. */
const ownName = "kubernetes.io/job-controller";

function keysFor({ key, before, after }: CacheChange, view: View): readonly ObjectKey[] {
  if (key.kind === "Job") {
    const uid = before && metaOf(before.object).uid;
    const isGone = uid !== undefined && (after === undefined || metaOf(after.object).uid !== uid);
    return [key, ...(isGone ? view.ownedBy("Pod", uid).map(({ object }) => podKey(object)) : [])];
  }
  if (key.kind !== "Pod") return [];
  const owners = [before, after].map((pod) => pod && controllerOf(pod.object));
  const keys = owners.flatMap((owner): readonly ObjectKey[] =>
    owner?.kind === "Job" ? [{ kind: "Job", namespace: key.namespace, name: owner.name }] : [],
  );
  const pod = ofKind(after, "Pod");
  if (pod === undefined) return keys;
  const orphan = isTracked(pod) && !isJobThere(pod, view) ? [key] : [];
  return owners[1] === undefined ? [...keys, ...orphan, ...adopters(pod, view)] : [...keys, ...orphan];
}

function adopters({ object }: Cached<"Pod">, view: View): readonly ObjectKey[] {
  const { namespace, labels } = metaOf(object);
  return view
    .list("Job", namespace)
    .filter((each) => matchesSelector(each.object.spec?.selector, labels))
    .map((each) => ({ kind: "Job", namespace, name: metaOf(each.object).name }));
}

function podKey(pod: Pod): ObjectKey {
  const { namespace, name } = metaOf(pod);
  return { kind: "Pod", namespace, name };
}

function isJobThere({ object }: Cached<"Pod">, view: View): boolean {
  const owner = controllerOf(object);
  const found = owner?.kind === "Job" ? view.get("Job", metaOf(object).namespace, owner.name) : undefined;
  return found !== undefined && metaOf(found).uid === owner?.uid;
}

function reconcile(key: ObjectKey, view: View, context: ReconcileContext): Outcome {
  if (key.kind === "Pod") return letGo(key, view);
  const cached = view.cached("Job", key.namespace, key.name);
  if (cached === undefined) return NOTHING; // Deleted: the owner collector removes the pods, letGo lets them.
  const { managedBy = "" } = cached.object.spec ?? {};
  if (managedBy !== "" && managedBy !== ownName) return NOTHING;
  const { owned, writes } = claim(cached, "Pod", cached.object.spec?.selector, view);
  if (writes.length > 0) return { writes: writes.slice(0, batch).map(tracked) };
  if (isJobFinished(cached.object)) return afterEnd(cached, owned, context);
  return step(cached, owned, view, context);
}

/** A pod of a job that is gone is counted by nobody. */
function letGo({ namespace, name }: ObjectKey, view: View): Outcome {
  const pod = view.cached("Pod", namespace, name);
  if (pod === undefined || !isTracked(pod) || isJobThere(pod, view)) return NOTHING;
  return { writes: release(pod) };
}

/** A pod that is adopted is counted from then on, unless it has ended before: whether it was counted already nobody knows. */
function tracked(write: ObjectWrite): ObjectWrite {
  if (write.op !== "put" || write.typed.kind !== "Pod" || isPodFinished(write.typed.object)) return write;
  const { object } = write.typed;
  const meta = metaOf(object);
  if (controllerOf(object)?.kind !== "Job" || meta.finalizers.includes(TRACKING)) return write;
  const metadata = { ...meta, finalizers: [...meta.finalizers, TRACKING] };
  return { ...write, typed: { kind: "Pod", object: { ...object, metadata } } };
}

/** Nothing is counted any more; what is still held is let go, and the job itself goes when its time has come. */
function afterEnd(cached: Cached<"Job">, owned: readonly Cached<"Pod">[], { nowMs }: ReconcileContext): Outcome {
  const held = owned.filter(isTracked).flatMap(release).slice(0, batch);
  const seconds = cached.object.spec?.ttlSecondsAfterFinished;
  if (held.length > 0) return { writes: held };
  if (seconds === undefined || isDeleting(cached.object)) return NOTHING;
  const endMs = parseTime(jobEnd(cached.object)?.lastTransitionTime ?? "");
  const waitMs = endMs + seconds * 1_000 - nowMs;
  if (waitMs > 0) return { writes: [], againMs: waitMs };
  return { writes: remove(cached, { nowMs, propagation: "foreground" }) };
}

function step(cached: Cached<"Job">, owned: readonly Cached<"Pod">[], view: View, context: ReconcileContext): Outcome {
  const { nowMs } = context;
  const { object } = cached;
  const known = owned.filter(isTracked);
  const all = known.filter((pod) => hasEnded(pod.object, waitsForEnd(object)));
  const ended = all.slice(0, batch);
  const active = owned.filter((pod) => isPodActive(pod.object));
  const uncounted = known.filter((pod) => !ended.includes(pod)).map((pod) => pod.object);
  const tally = count(object, tallyOf(object), objectsOf(ended), nowMs);
  const isFinal = isDeleting(object) || isNamespaceDeleting(metaOf(object).namespace, view);
  const ending = endingOf(object, { tally, uncounted, activeCount: active.length, nowMs });
  if (ending !== undefined) return end(cached, { owned, ended, active, tally }, ending, nowMs);
  const terminating = owned.filter((pod) => isTerminating(pod.object) && !isStopped(pod.object));
  const most = all.length > ended.length || isFinal ? 0 : batch - ended.length;
  const wanted = wantedPods(object, { tally, active, terminating, nowMs, most });
  const images = jobImages(object, objectsOf(owned));
  const ground = { tally, images };
  const asked = newPods(cached, wanted.create, ground, view, context);
  // What is refused spends no ordinal and is not active, else each try would change the status and bring the next at once. One is tried on, so that its user is told.
  const fitting = letThroughCount(asked.pods, view);
  const refused = asked.pods.slice(fitting, fitting + 1);
  const made = refused.length === 0 ? asked : newPods(cached, wanted.create.slice(0, fitting), ground, view, context);
  const removed = objectsOf(wanted.remove);
  const graceSeconds = stopGrace(object);
  const status = statusOf({
    ...{ job: object, tally, images, ending: undefined, isOver: false, nowMs },
    pods: objectsOf(owned),
    removed,
    created: made.pods.length,
    nextOrdinal: made.nextOrdinal,
  });
  return {
    writes: [
      ...report(cached, status),
      ...ended.flatMap(release),
      ...[...made.pods, ...refused].map((pod) => create("Pod", pod)),
      ...wanted.remove.flatMap((pod) => dismiss(pod, { nowMs, graceSeconds })),
      ...(graceSeconds === undefined ? [] : terminating.flatMap((pod) => remove(pod, { nowMs, graceSeconds }))),
    ],
    notices: stepNotices(cached, status, made.pods, removed),
    againMs: all.length > ended.length ? 0 : againMs(cached, wanted, isFinal, nowMs),
  };
}

/** True when there is nothing to wait for before a pod is counted. */
function hasEnded(pod: Pod, isEndAwaited: boolean): boolean {
  if (isPodFinished(pod)) return true;
  return isDeleting(pod) && (!isEndAwaited || isStopped(pod));
}

/** A pod that is not needed goes without being counted. */
function dismiss(pod: Cached<"Pod">, options: DeleteOptions): readonly ObjectWrite[] {
  const meta = metaOf(pod.object);
  const finalizers = meta.finalizers.filter((each) => each !== TRACKING);
  return remove({ ...pod, object: { ...pod.object, metadata: { ...meta, finalizers } } }, options);
}

/** The seconds that its user gives the pods of a job that is stopped; undefined: their own. At least one, since with none at all nobody waits for their end. */
function stopGrace({ spec, ...job }: Job): number | undefined {
  const { graceSeconds } = powerOf(job);
  return spec?.suspend === true && graceSeconds !== undefined ? Math.max(1, graceSeconds) : undefined;
}

function againMs({ object }: Cached<"Job">, wanted: Wanted, isFinal: boolean, nowMs: number): number | undefined {
  if (isFinal) return undefined;
  if (wanted.isCut) return 0;
  // A job that begins now has no start time yet in what was read: it is looked at again when it has.
  const waits = [wanted.againMs, untilDeadlineMs(object, nowMs)].filter((wait) => wait !== undefined);
  // Times are whole seconds, cut off.
  return waits.length === 0 ? undefined : Math.max(1, Math.min(...waits));
}

interface EndGround {
  readonly owned: readonly Cached<"Pod">[];
  readonly ended: readonly Cached<"Pod">[];
  readonly active: readonly Cached<"Pod">[];
  readonly tally: Tally;
}

/**
 * Ends the pods that still run, then says that the job is over. It is not said before: what ends is counted too. Pods on nodes that
 * cannot be reached are not waited for, and count as failed.
 */
function end(cached: Cached<"Job">, ground: EndGround, ending: Ending, nowMs: number): Outcome {
  const { owned, ended, active } = ground;
  const lost = owned.filter(
    (pod) => isTracked(pod) && !ended.includes(pod) && isTerminating(pod.object) && isLost(pod.object),
  );
  const going = active.slice(0, Math.max(0, batch - ended.length));
  const counted = [...ended, ...lost].slice(0, batch - going.length);
  const later = counted.filter((pod) => !ended.includes(pod));
  const running = owned.filter((pod) => isTerminating(pod.object) && !isStopped(pod.object) && !isLost(pod.object));
  const isAllCounted = counted.length === ended.length + lost.length;
  const isOver = active.length === 0 && running.length === 0 && isAllCounted;
  const tally = count(cached.object, ground.tally, objectsOf(later), nowMs);
  const status = statusOf({
    ...{ job: cached.object, tally, ending, isOver, nowMs, created: 0 },
    pods: objectsOf(owned),
    images: jobImages(cached.object, objectsOf(owned)),
    removed: objectsOf(going),
    nextOrdinal: cached.object.status?.nextOrdinal ?? 0,
  });
  return {
    writes: [...report(cached, status), ...counted.flatMap(release), ...going.flatMap((pod) => remove(pod, { nowMs }))],
    notices: [
      ...podNotice(aboutJob(cached), "Deleted", objectsOf(going)),
      ...(isOver ? [endNotice(cached, ending)] : []),
    ],
    againMs: active.length > going.length || !isAllCounted ? 0 : undefined,
  };
}

function report(cached: Cached<"Job">, status: JobStatus): readonly ObjectWrite[] {
  if (deepEqual(status, cached.object.status)) return [];
  return [replace(cached, { ...cached.object, status })];
}

function objectsOf(pods: readonly Cached<"Pod">[]): readonly Pod[] {
  return pods.map(({ object }) => object);
}

function aboutJob({ object }: Cached<"Job">): ObjectKey {
  const { namespace, name } = metaOf(object);
  return { kind: "Job", namespace, name };
}

function endNotice(cached: Cached<"Job">, { type, reason, message }: Ending): Notice {
  if (type === "Failed") return { about: aboutJob(cached), type: "Warning", reason, message };
  return { about: aboutJob(cached), type: "Normal", reason: "Completed", message: "Job completed" };
}

function stepNotices(
  cached: Cached<"Job">,
  status: JobStatus,
  created: readonly Pod[],
  removed: readonly Pod[],
): readonly Notice[] {
  const about = aboutJob(cached);
  const suspension = [cached.object.status, status].map((each) =>
    each?.conditions.find(({ type }) => type === "Suspended"),
  );
  const [was, is] = suspension;
  const news: readonly Notice[] =
    is === undefined || is.status === (was?.status ?? "False")
      ? []
      : [{ about, type: "Normal", reason: is.status === "True" ? "Suspended" : "Resumed", message: is.message }];
  return [...podNotice(about, "Created", created), ...podNotice(about, "Deleted", removed), ...news];
}
