import { isDeleting, isPodFinished, isPodReady } from "../../kinds/pod-state.js";
import { KINDS, type KindName } from "../../kinds/registry.js";
import { labelsText, selectorQuery } from "../../kinds/selector-text.js";
import { hasCode, TallshipError } from "../../lib/errors.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import type { Cluster } from "../cluster.js";
import { containersOf, idOf, isIdPrefix } from "../containers/identity.js";
import { getObject, keyIn, listObjects, type Query } from "../objects.js";
import { objectText } from "../targets.js";

/** What stands for pods on the command line: a pod, or an object whose selector chooses them. */
export interface PodTarget {
  readonly kind: KindName;
  readonly name: string;
}

/** The query that finds a target's pods. Throws for kinds that have none. */
export async function podQuery(cluster: Cluster, { kind, name }: PodTarget, signal: AbortSignal): Promise<Query> {
  const { namespace } = cluster;
  const labels = (text: string): Query => {
    if (text === "")
      throw new TallshipError("failed_precondition", `${objectText(kind, namespace, name)} selects no pods`);
    return { kind: "Pod", namespace, labels: text };
  };
  switch (kind) {
    case "Pod":
      return { kind: "Pod", namespace, fields: `metadata.name=${name}` };
    case "DaemonSet":
    case "Deployment":
    case "Job":
    case "ReplicaSet":
    case "StatefulSet": {
      const { spec } = await getObject(cluster, keyIn(kind, namespace, name), signal);
      return labels(spec?.selector === undefined ? "" : selectorQuery(spec.selector));
    }
    case "Service": {
      const { spec } = await getObject(cluster, keyIn(kind, namespace, name), signal);
      return labels(labelsText(spec?.selector ?? {}));
    }
    default:
      throw new TallshipError(
        "invalid_argument",
        `${KINDS[kind].plural} have no pods: name a pod, deployment, replicaset, statefulset, daemonset, job or service`,
      );
  }
}

/** The pods that a query finds, by name. */
export async function podsOf(cluster: Cluster, query: Query, signal: AbortSignal): Promise<readonly Pod[]> {
  const { objects } = await listObjects(cluster, query, signal);
  return objects.flatMap((typed) => (typed.kind === "Pod" ? [typed.object] : []));
}

/** The one pod to talk to: ready before running before anything else, then by name. Throws when there is none. */
export async function onePodOf(cluster: Cluster, target: PodTarget, signal: AbortSignal): Promise<Pod> {
  if (target.kind === "Pod") return podNamed(cluster, target.name, signal);
  const pods = await podsOf(cluster, await podQuery(cluster, target, signal), signal);
  const [best] = [...pods].sort((left, right) => rank(left) - rank(right));
  if (best !== undefined) return best;
  throw new TallshipError("not_found", `${objectText(target.kind, cluster.namespace, target.name)} has no pods`);
}

/** A pod by its name, or by the beginning of the id that `ps` shows of its container. */
async function podNamed(cluster: Cluster, name: string, signal: AbortSignal): Promise<Pod> {
  try {
    return await getObject(cluster, keyIn("Pod", cluster.namespace, name), signal);
  } catch (error) {
    if (!hasCode(error, "not_found") || !isIdPrefix(name)) throw error;
    const pods = await podsOf(cluster, { kind: "Pod", namespace: cluster.namespace }, signal);
    const found = pods.filter((pod) => containersOf(pod).some((one) => idOf(one).startsWith(name)));
    const [only] = found;
    if (only === undefined || found.length > 1) throw error;
    return only;
  }
}

function rank(pod: Pod): number {
  if (isDeleting(pod)) return 4;
  if (isPodReady(pod)) return 0;
  if (isPodFinished(pod)) return 3;
  return pod.status?.phase === "Running" ? 1 : 2;
}

/** The container that is meant: the one named, the annotated default, the first. Throws when the pod has none of that name. */
export function containerOf(pod: Pod, asked: string | undefined): string {
  const names = containerNames(pod);
  const named = asked ?? pod.metadata?.annotations[DEFAULT_CONTAINER];
  if (named !== undefined && names.includes(named)) return named;
  if (asked === undefined) return names[0] ?? "";
  throw new TallshipError(
    "not_found",
    `pod "${pod.metadata?.name}" has no container "${asked}", it has ${names.join(", ")}`,
  );
}

/** Names of all containers, those that run side by side first. */
export function containerNames({ spec }: Pod): readonly string[] {
  const all = [...(spec?.containers ?? []), ...(spec?.initContainers ?? []), ...(spec?.ephemeralContainers ?? [])];
  return all.map(({ name }) => name);
}

const DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container";
