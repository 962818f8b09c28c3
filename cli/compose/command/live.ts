import { keyOf, metaOf, type ObjectKey, type Typed } from "../../../kinds/object.js";
import { isConditionTrue, isPodFinished } from "../../../kinds/pod-state.js";
import { powerOf } from "../../../kinds/power.js";
import { isKindName, KINDS, type KindName } from "../../../kinds/registry.js";
import { hasCode, TallshipError } from "../../../lib/errors.js";
import { DeleteRequest } from "../../../proto/gen/tallship/v1/api.js";
import type { Pod, PodSpec } from "../../../proto/gen/tallship/v1/pod.js";
import type { Cluster } from "../../cluster.js";
import { waitUntilGone } from "../../delete/gone.js";
import { listObjects, nameOf } from "../../objects.js";
import type { Shell } from "../../shell.js";
import { watchUntil } from "../../wait/until.js";
import { dnsName, PROJECT_LABEL, SERVICE_LABEL } from "../translate/names.js";
import type { ProjectName } from "./project.js";

/** A project in the cluster. */
export interface LiveProject extends ProjectName {
  readonly shell: Shell;
  readonly cluster: Cluster;
}

/** What keeps a service's pods. */
export const WORKLOADS = ["Deployment", "DaemonSet", "Job"] as const satisfies readonly KindName[];

/** True for what keeps a service's pods. */
export function isWorkload(typed: Typed): typed is Extract<Typed, { readonly kind: (typeof WORKLOADS)[number] }> {
  return typed.kind === "Deployment" || typed.kind === "DaemonSet" || typed.kind === "Job";
}

/** Everything else of a project, but its volumes. */
export const PARTS = ["Service", "NetworkPolicy", "ConfigMap", "Secret"] as const satisfies readonly KindName[];

/** The project's objects of some kinds, in their order. */
export async function objectsOf(
  { cluster, shell, name, namespace }: LiveProject,
  kinds: readonly KindName[],
): Promise<readonly Typed[]> {
  const found: Typed[] = [];
  for (const kind of kinds)
    found.push(
      ...(await listObjects(cluster, { kind, namespace, labels: `${PROJECT_LABEL}=${name}` }, shell.signal)).objects,
    );
  return found;
}

/** The project's pods, of some services when any is named. */
export async function podsOfProject(live: LiveProject, services: readonly string[]): Promise<readonly Pod[]> {
  const pods = (await objectsOf(live, ["Pod"])).flatMap((typed) => (typed.kind === "Pod" ? [typed.object] : []));
  const names = services.map(dnsName);
  return pods.filter((pod) => names.length === 0 || (serviceOf(pod) !== "" && isOfAny(pod.spec, names)));
}

/** True when a pod holds the container of a service: its own one, or one that shares its network. Containers are named after their services. */
export function isOfAny(spec: PodSpec | undefined, services: readonly string[]): boolean {
  return spec?.containers.some(({ name }) => services.includes(name)) === true;
}

/** What the pods of a workload are to be. */
export function podSpecOf(typed: Typed): PodSpec | undefined {
  return isWorkload(typed) ? typed.object.spec?.template?.spec : undefined;
}

/** The service an object belongs to; empty when it belongs to the project as a whole. */
export function serviceOf(object: { readonly metadata?: Typed["object"]["metadata"] }): string {
  return object.metadata?.labels[SERVICE_LABEL] ?? "";
}

/** Deletes objects, waits until they are gone and tells of each as docker does. */
export async function removeAll(
  { shell, cluster }: LiveProject,
  all: readonly Typed[],
  graceSeconds: number | undefined,
): Promise<void> {
  const keys = all.map(keyOf);
  for (const key of keys) await askDelete({ shell, cluster }, key, graceSeconds);
  await waitUntilGone(
    { shell, cluster, timeoutMs: GONE_MS },
    all.map((typed) => ({ key: keyOf(typed), uid: metaOf(typed.object).uid })),
  );
  for (const key of keys) await told(shell, key, "Removed");
}

/** Asks for an object to be deleted; one that is gone already is no failure. */
export async function askDelete(
  { shell, cluster }: Pick<LiveProject, "shell" | "cluster">,
  key: ObjectKey,
  graceSeconds: number | undefined,
): Promise<void> {
  const request = { name: nameOf(key), propagation: "background", gracePeriodSeconds: graceSeconds };
  await cluster.objects.delete(DeleteRequest.fromPartial(request), { signal: shell.signal }).catch((error: unknown) => {
    if (!hasCode(error, "not_found")) throw error;
  });
}

/** What is to go has gone by then, on a host that answers. */
export const GONE_MS = 120_000;

/** One line of progress, as docker prints it without a terminal. */
export async function told(
  shell: Shell,
  { kind, name }: Pick<ObjectKey, "kind" | "name">,
  what: string,
): Promise<void> {
  await shell.stderr.write(` ${kind} ${name}  ${what}\n`);
}

/** Waits until no container of the services runs any more; of none, of the whole project. They have the grace, and some time: then throws deadline_exceeded. */
export async function waitForEnd(
  { shell, cluster, name, namespace }: LiveProject,
  services: readonly string[],
  graceSeconds: number,
): Promise<void> {
  const running = new Set<string>();
  const query = { kind: "Pod", namespace, labels: `${PROJECT_LABEL}=${name}` } as const;
  const timeoutMs = GONE_MS + graceSeconds * 1_000;
  const isOver = await watchUntil({ shell, cluster, timeoutMs }, [query], async ({ changes, isSynced }) => {
    for (const change of changes) {
      const key = change.is === "put" ? keyOf(change.typed) : change.key;
      const pod = change.is === "put" && change.typed.kind === "Pod" ? change.typed.object : undefined;
      const isOurs = pod !== undefined && (services.length === 0 || services.includes(serviceOf(pod)));
      if (isOurs && isLiving(pod)) running.add(key.name);
      else running.delete(key.name);
    }
    return isSynced && running.size === 0;
  });
  if (isOver) return;
  const names = [...running].sort().join(", ");
  throw new TallshipError("deadline_exceeded", `containers of ${names} have not ended after ${timeoutMs / 1_000} s`);
}

/** What was stopped before it had a node has nothing to end. */
function isLiving(pod: Pod): boolean {
  return !isPodFinished(pod) && !(powerOf(pod).isStopped && (pod.spec?.nodeName ?? "") === "");
}

const UNCOUNTED: ReadonlySet<KindName> = new Set([
  "Event",
  "EndpointSlice",
  "Revision",
  "ReplicaSet",
  "ControllerRevision",
]);

/** Removes the namespace that was made for the project, once nothing of anybody is left in it. */
export async function removeNamespace(live: LiveProject): Promise<void> {
  const { cluster, shell, name, namespace } = live;
  const labels = `${PROJECT_LABEL}=${name}`;
  const own = await listObjects(
    cluster,
    { kind: "Namespace", namespace: undefined, labels, fields: `metadata.name=${namespace}` },
    shell.signal,
  );
  if (own.objects.length === 0) return;
  for (const kind of Object.keys(KINDS).filter(isKindName)) {
    if (!KINDS[kind].isNamespaced || UNCOUNTED.has(kind)) continue;
    const { objects } = await listObjects(cluster, { kind, namespace }, shell.signal);
    if (objects.some((typed) => !isMadeByItself(typed))) return;
  }
  await removeAll(live, own.objects, undefined);
}

/** Every namespace has it. */
function isMadeByItself({ kind, object }: Typed): boolean {
  return kind === "ServiceAccount" && object.metadata?.name === "default";
}

/** True for a task that has completed or failed. */
export function hasEnded(typed: Typed): boolean {
  if (typed.kind !== "Job") return false;
  const { conditions } = typed.object.status ?? {};
  return isConditionTrue(conditions, "Complete") || isConditionTrue(conditions, "Failed");
}
