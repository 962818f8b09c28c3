import { controllerOf } from "../../kinds/owners.js";
import type { Event } from "../../proto/gen/tallship/v1/event.js";
import type { Job, JobSpec, JobStatus } from "../../proto/gen/tallship/v1/job.js";
import type { Condition } from "../../proto/gen/tallship/v1/meta.js";
import type { Cluster } from "../cluster.js";
import { oneLine } from "../describe/facts.js";
import { eventsAbout } from "../events/about.js";
import { getObject, keyIn, listObjects } from "../objects.js";
import type { PodTarget } from "../pods/resolve.js";

/** Why a workload has fewer pods than it wants: quotas and the like that refused them stand in its conditions, or in its events, not in any pod. */
export async function ownerWaits(
  cluster: Cluster,
  { kind, name }: PodTarget,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { namespace } = cluster;
  switch (kind) {
    case "Deployment": {
      const { metadata, spec, status } = await getObject(cluster, keyIn(kind, namespace, name), signal);
      const { objects } = await listObjects(cluster, { kind: "ReplicaSet", namespace }, signal);
      const sets = objects.flatMap((typed) =>
        typed.kind === "ReplicaSet" && controllerOf(typed.object)?.uid === metadata?.uid ? [typed.object] : [],
      );
      const failures = sets.flatMap((set) => troubles(set.status?.conditions));
      const paused = spec?.paused === true ? ["it is paused: no roll-out goes on"] : [];
      return [...new Set([...paused, ...failures, ...troubles(status?.conditions)])];
    }
    case "ReplicaSet":
      return troubles((await getObject(cluster, keyIn(kind, namespace, name), signal)).status?.conditions);
    case "StatefulSet": {
      const object = await getObject(cluster, keyIn(kind, namespace, name), signal);
      const isShort = (object.status?.replicas ?? 0) < (object.spec?.replicas ?? 1);
      return isShort ? refusalsOf(await eventsAbout(cluster, { kind, object }, signal)) : [];
    }
    case "DaemonSet": {
      const object = await getObject(cluster, keyIn(kind, namespace, name), signal);
      const { currentNumberScheduled = 0, desiredNumberScheduled = 0 } = object.status ?? {};
      const isShort = currentNumberScheduled < desiredNumberScheduled;
      return isShort ? refusalsOf(await eventsAbout(cluster, { kind, object }, signal)) : [];
    }
    case "Job": {
      const object = await getObject(cluster, keyIn(kind, namespace, name), signal);
      const wanted = wantedOfJob(object.spec, object.status);
      const events = wanted > 0 ? await eventsAbout(cluster, { kind, object }, signal) : [];
      return jobWaits(object, wanted, events);
    }
    default:
      return [];
  }
}

/** A refusal goes before the wait after a failure: it is what is tried again now. */
function jobWaits({ spec, status }: Job, wanted: number, events: readonly Event[]): readonly string[] {
  if (spec?.suspend === true) return ["it is suspended: no pod is made", ...troubles(status?.conditions)];
  const { active = 0, failed = 0 } = status ?? {};
  const missing = wanted - active;
  const refused = wanted > 0 ? refusalsOf(events) : [];
  const late = `${missing} more ${missing === 1 ? "pod is" : "pods are"} to be made: after a pod has failed (${failed} have so far) the next comes later each time, from 10 seconds on`;
  const isLate = missing > 0 && refused.length === 0 && failed > 0;
  return [...refused, ...(isLate ? [late] : []), ...troubles(status?.conditions)];
}

/** What has refused the next pods; nothing when some were made since. */
function refusalsOf(events: readonly Event[]): readonly string[] {
  const last = events.findLast(({ reason }) => reason === "FailedCreate" || reason === "SuccessfulCreate");
  return last?.reason === "FailedCreate" ? [`${last.reason}: ${oneLine(last.message)}`] : [];
}

/** How many pods a workload is to have now; undefined for what has no such number. */
export async function wantedPods(
  cluster: Cluster,
  { kind, name }: PodTarget,
  signal: AbortSignal,
): Promise<number | undefined> {
  const { namespace } = cluster;
  switch (kind) {
    case "Deployment":
    case "ReplicaSet":
    case "StatefulSet":
      return (await getObject(cluster, keyIn(kind, namespace, name), signal)).spec?.replicas;
    case "DaemonSet":
      return (await getObject(cluster, keyIn(kind, namespace, name), signal)).status?.desiredNumberScheduled;
    case "Job": {
      const { spec, status } = await getObject(cluster, keyIn(kind, namespace, name), signal);
      return wantedOfJob(spec, status);
    }
    default:
      return undefined;
  }
}

/** A job that is over, or suspended, wants none. */
function wantedOfJob(spec: JobSpec | undefined, status: JobStatus | undefined): number {
  const isOver = (status?.conditions ?? []).some(
    ({ type, status: holds }) => (type === "Complete" || type === "Failed") && holds === "True",
  );
  if (isOver || spec?.suspend === true) return 0;
  const { parallelism = 1, completions } = spec ?? {};
  return Math.min(parallelism, completions === undefined ? parallelism : completions - (status?.succeeded ?? 0));
}

/** Conditions of these types are there to say that something is wrong, or is not if they are False. */
const BAD: ReadonlySet<string> = new Set(["ReplicaFailure", "Failed", "FailureTarget"]);

function troubles(conditions: readonly Condition[] | undefined): readonly string[] {
  return (conditions ?? [])
    .filter(({ type, status }) => (BAD.has(type) ? status === "True" : type === "Progressing" && status === "False"))
    .map(({ reason, message }) => `${reason}: ${oneLine(message)}`);
}
