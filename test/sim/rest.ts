import { isDeleting, isPodReady } from "../../kinds/pod-state.js";
import type { DaemonSet } from "../../proto/gen/tallship/v1/daemonset.js";
import type { Deployment } from "../../proto/gen/tallship/v1/deployment.js";
import type { Job } from "../../proto/gen/tallship/v1/job.js";
import type { ObjectMeta } from "../../proto/gen/tallship/v1/meta.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import type { StatefulSet } from "../../proto/gen/tallship/v1/statefulset.js";
import type { LiveContainer } from "./invariants.js";
import type { StoreTruth } from "./world.js";

/** Why the cluster is not as its objects say; empty when it is at rest. */
export function unrestOf(truth: StoreTruth, live: readonly LiveContainer[]): string {
  const pods = truth.all("Pod").map(({ object }) => object);
  const nodeCount = truth.all("Node").length;
  const reasons = [
    ...truth.all("Deployment").map(({ object }) => deploymentUnrest(object, pods)),
    ...truth.all("StatefulSet").map(({ object }) => setUnrest(object, pods)),
    ...truth.all("DaemonSet").map(({ object }) => daemonUnrest(object, pods, nodeCount)),
    ...truth.all("Job").map(({ object }) => jobUnrest(object, pods)),
    ...pods.map(podUnrest),
  ];
  const first = reasons.find((reason) => reason !== "");
  if (first !== undefined) return first;
  const uids = new Set(pods.map(({ metadata }) => metadata?.uid));
  const stray = live.find(({ podUid }) => !uids.has(podUid));
  return stray === undefined ? "" : `container of ${stray.podUid} runs on ${stray.host} and belongs to no pod`;
}

interface Named {
  readonly metadata?: ObjectMeta | undefined;
}

function isGoing({ metadata }: Named): boolean {
  return (metadata?.deletionTimestamp ?? "") !== "";
}

/** Why the workload has not just so many pods, all ready and all counted; empty when it has. */
function countUnrest(what: string, own: readonly Pod[], want: number, reported: number | undefined): string {
  const ready = own.filter(isPodReady);
  if (own.length !== want || ready.length !== want)
    return `${what} wants ${want} pods, ${own.length} exist, ${ready.length} are ready`;
  return (reported ?? 0) === want ? "" : `${what} reports ${reported} ready pods of ${want}`;
}

const podsOf = ({ metadata }: Named, pods: readonly Pod[]): readonly Pod[] =>
  pods.filter((pod) => pod.metadata?.labels["app"] === metadata?.name);

function deploymentUnrest(deployment: Deployment, pods: readonly Pod[]): string {
  const what = `deployment ${deployment.metadata?.name}`;
  if (isGoing(deployment)) return `${what} is being deleted`;
  const { spec, status } = deployment;
  return countUnrest(what, podsOf(deployment, pods), spec?.replicas ?? 1, status?.readyReplicas);
}

function setUnrest(set: StatefulSet, pods: readonly Pod[]): string {
  const what = `stateful set ${set.metadata?.name}`;
  if (isGoing(set)) return `${what} is being deleted`;
  const own = podsOf(set, pods);
  const want = set.spec?.replicas ?? 1;
  const missing = Array.from({ length: want }, (_, at) => `${set.metadata?.name}-${at}`).find(
    (name) => !own.some(({ metadata }) => metadata?.name === name),
  );
  if (missing !== undefined) return `${what} has no pod ${missing}`;
  return countUnrest(what, own, want, set.status?.readyReplicas);
}

function daemonUnrest(set: DaemonSet, pods: readonly Pod[], nodeCount: number): string {
  const what = `daemon set ${set.metadata?.name}`;
  if (isGoing(set)) return `${what} is being deleted`;
  const own = podsOf(set, pods);
  const nodes = new Set(own.map(({ spec }) => spec?.nodeName));
  if (nodes.size !== nodeCount) return `${what} has pods on ${nodes.size} nodes of ${nodeCount}`;
  return countUnrest(what, own, nodeCount, set.status?.numberReady);
}

/** A job ends as its pods do: all of them exit alike. */
function jobUnrest(job: Job, pods: readonly Pod[]): string {
  const what = `job ${job.metadata?.name}`;
  const end = job.status?.conditions.find(({ type, status }) => /^(Complete|Failed)$/.test(type) && status === "True");
  if (end === undefined) return `${what} has not ended`;
  const fails = job.spec?.template?.spec?.containers[0]?.command[2] === "1";
  const { succeeded = 0, failed = 0, active = 0 } = job.status ?? {};
  // A pod that was lost with its node is one that failed.
  const isSpent = failed > (job.spec?.backoffLimit ?? 6);
  if (end.type === "Failed" ? !isSpent : fails) return `${what} is ${end.type} with ${failed} failures`;
  if (end.type === "Complete" && succeeded !== job.spec?.completions)
    return `${what} has ${succeeded} of ${job.spec?.completions}`;
  const left = pods.filter(({ metadata }) => metadata?.labels["batch.kubernetes.io/job-name"] === job.metadata?.name);
  const going = left.find((pod) => isDeleting(pod) || !isOver(pod));
  return active === 0 && going === undefined ? "" : `${what} has ended, and pod ${going?.metadata?.name} has not`;
}

function podUnrest(pod: Pod): string {
  const { name = "" } = pod.metadata ?? {};
  return name.startsWith("once-") && !isOver(pod) ? `pod ${name} is ${pod.status?.phase}` : "";
}

function isOver({ status }: Pod): boolean {
  return status?.phase === "Succeeded" || status?.phase === "Failed";
}
