import { keyOf, metaOf, type ObjectKey, type Typed } from "../../kinds/object.js";
import { podGroupOf } from "../../kinds/pod-group.js";
import { QUEUE } from "../../kinds/queue.js";
import { KINDS, type KindMap, type KindName } from "../../kinds/registry.js";
import { hasCode } from "../../lib/errors.js";
import type { ObjectMeta } from "../../proto/gen/tallship/v1/meta.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { type ChoiceFlags, chosenKeys } from "../chosen.js";
import { type Cluster, type ClusterFlags, withCluster } from "../cluster.js";
import { eventsOf, fieldsAbout } from "../events/about.js";
import { EXIT } from "../exit-codes.js";
import { servicesWithSlices } from "../get/endpoint-subsets.js";
import { asksForEndpoints, endpointNames } from "../get/endpoints.js";
import { namesFiles } from "../input/files.js";
import { eachOf, getObject, keyIn, listObjects, missing } from "../objects.js";
import type { Shell } from "../shell.js";
import { readTargets } from "../targets.js";
import { toldAlready, usageError } from "../verb.js";
import { describeAutoscaler } from "./autoscaler.js";
import { describeConfigMap, describeOther, describeSecret } from "./config.js";
import { describeCronJob } from "./cron-job.js";
import { describeDaemonSet } from "./daemon-set.js";
import { describeEndpoints } from "./endpoints.js";
import type { Surroundings } from "./facts.js";
import { describeIngress } from "./ingress.js";
import { describeJob } from "./job.js";
import { describeNetwork } from "./network.js";
import { describeNetworkPolicy } from "./network-policy.js";
import { describeNode } from "./node.js";
import type { Page } from "./page.js";
import { describePod } from "./pod.js";
import { describeBudget, describeLimitRange, describeNamespace, describeQuota } from "./policy.js";
import { describePodGroup, describeQueue } from "./queue.js";
import { describeService } from "./service.js";
import { describeStatefulSet } from "./stateful-set.js";
import { describeClaim, describeStorageClass, describeVolume } from "./storage.js";
import { describeDeployment, describeReplicaSet } from "./workload.js";

/** What `describe` was asked. */
export interface DescribeFlags extends ClusterFlags, ChoiceFlags {
  readonly showEvents: boolean;
}

/** A description that runs. */
interface DescribeRun {
  readonly shell: Shell;
  readonly cluster: Cluster;
  readonly flags: DescribeFlags;
}

/** Tells of each object what is known of it, an empty line between two. */
export async function runDescribe(
  { flags, operands }: { readonly flags: DescribeFlags; readonly operands: readonly string[] },
  shell: Shell,
): Promise<number> {
  if (namesFiles(flags) && operands.length > 0) throw usageError("name objects or files, not both");
  if (asksForEndpoints(operands)) return describeAllEndpoints(flags, operands, shell);
  if (!namesFiles(flags)) readTargets(operands);
  return withCluster(shell, flags, async (cluster) => {
    const run: DescribeRun = { shell, cluster, flags };
    const keys = await chosenKeys(run, operands);
    if (keys.length === 0) await shell.stderr.write("no objects found\n");
    let isFirst = true;
    const failures = await eachOf(keys, async (key) => {
      for (const page of await pagesOf(run, key)) {
        await shell.stdout.write(`${isFirst ? "" : "\n\n"}${page.toText()}`);
        isFirst = false;
      }
    });
    for (const failure of failures) await shell.stderr.write(`error: ${failure.message}\n`);
    const [first] = failures;
    if (first !== undefined) throw toldAlready(first.code);
    return EXIT.ok;
  });
}

/** Endpoints are no objects here: each service's are told. */
function describeAllEndpoints(flags: DescribeFlags, operands: readonly string[], shell: Shell): Promise<number> {
  const names = endpointNames(operands);
  return withCluster(shell, flags, async (cluster) => {
    const namespace = flags.allNamespaces ? undefined : cluster.namespace;
    const views = await servicesWithSlices(cluster, { namespace, labels: flags.selector }, shell.signal);
    const shown = views.filter(({ service }) => names.length === 0 || names.includes(service.metadata?.name ?? ""));
    const pages = shown.map((view) => describeEndpoints(view, shell.clock.nowMs()).toText());
    await shell.stdout.write(pages.join("\n\n"));
    const lost = names.find((name) => !shown.some(({ service }) => service.metadata?.name === name));
    if (lost !== undefined) throw missing(keyIn("Service", cluster.namespace, lost));
    return EXIT.ok;
  });
}

/** The object's page; as with kubectl those of all whose names begin so where no object has the name. */
async function pagesOf(run: DescribeRun, key: ObjectKey): Promise<readonly Page[]> {
  try {
    return [await describeOne(run, key)];
  } catch (error) {
    if (!hasCode(error, "not_found")) throw error;
    const namespace = KINDS[key.kind].isNamespaced ? key.namespace : undefined;
    const { objects } = await listObjects(run.cluster, { kind: key.kind, namespace }, run.shell.signal);
    const alike = objects.map(keyOf).filter(({ name }) => name.startsWith(key.name));
    if (alike.length === 0) throw error;
    return Promise.all(alike.map((each) => describeOne(run, each)));
  }
}

/** How each kind is told; a kind without a row shows its fields. */
const DESCRIBERS: {
  readonly [K in KindName]?: (object: KindMap[K], run: DescribeRun, around: Surroundings) => Promise<Page>;
} = {
  ConfigMap: async (config, _run, around) => describeConfigMap(config, around),
  Secret: async (secret, _run, around) => describeSecret(secret, around),
  Pod: async (pod, _run, around) => describePod(pod, around),
  Node: async (node, run, around) =>
    describeNode(node, await listKind(run, "Pod", { fields: `spec.nodeName=${node.metadata?.name}` }), around),
  Deployment: async (deployment, run, around) =>
    describeDeployment(
      deployment,
      await listKind(run, "ReplicaSet", { namespace: deployment.metadata?.namespace }),
      around,
    ),
  ReplicaSet: async (set, run, around) => describeReplicaSet(set, await podsNear(run, set.metadata), around),
  DaemonSet: async (set, run, around) => describeDaemonSet(set, await podsNear(run, set.metadata), around),
  StatefulSet: async (set, run, around) => describeStatefulSet(set, await podsNear(run, set.metadata), around),
  PersistentVolumeClaim: async (claim, run, around) =>
    describeClaim(claim, await podsNear(run, claim.metadata), around),
  PersistentVolume: async (volume, _run, around) => describeVolume(volume, around),
  StorageClass: async (storageClass, _run, around) => describeStorageClass(storageClass, around),
  Job: async (job, run, around) => describeJob(job, await podsNear(run, job.metadata), around),
  CronJob: async (cronJob, run, around) =>
    describeCronJob(cronJob, await listKind(run, "Job", { namespace: cronJob.metadata?.namespace }), around),
  HorizontalPodAutoscaler: async (autoscaler, _run, around) => describeAutoscaler(autoscaler, around),
  Ingress: async (ingress, run, around) => {
    const where = { namespace: ingress.metadata?.namespace };
    const services = await listKind(run, "Service", where);
    const slices = await listKind(run, "EndpointSlice", where);
    return describeIngress(ingress, { services, slices, nodes: await listKind(run, "Node", {}) }, around);
  },
  Network: async (network, run, around) =>
    describeNetwork(network, await listKind(run, "Pod", { namespace: network.metadata?.namespace }), around),
  NetworkPolicy: async (policy, _run, around) => describeNetworkPolicy(policy, around),
  PodGroup: async (group, run, around) => {
    const pods = await podsNear(run, group.metadata);
    const { name } = metaOf(group);
    return describePodGroup(
      group,
      pods.filter(({ metadata }) => podGroupOf(metadata?.labels) === name),
      around,
    );
  },
  Queue: async (queue, run, around) => {
    const pods = await listKind(run, "Pod", { labels: `${QUEUE}=${metaOf(queue).name}` });
    return describeQueue(queue, pods, around);
  },
  PodDisruptionBudget: async (budget, _run, around) => describeBudget(budget, around),
  ResourceQuota: async (quota, _run, around) => describeQuota(quota, around),
  LimitRange: async (range, _run, around) => describeLimitRange(range, around),
  Namespace: async (namespace, run, around) => {
    const where = { namespace: namespace.metadata?.name };
    const quotas = await listKind(run, "ResourceQuota", where);
    return describeNamespace(namespace, { quotas, ranges: await listKind(run, "LimitRange", where) }, around);
  },
  Service: async (service, run, around) => {
    const { namespace, name } = metaOf(service);
    const slices = await listKind(run, "EndpointSlice", { namespace, labels: `kubernetes.io/service-name=${name}` });
    return describeService(service, slices, around);
  },
};

async function describeOne<K extends KindName>(run: DescribeRun, key: ObjectKey<K>): Promise<Page> {
  const object = await getObject(run.cluster, key, run.shell.signal);
  const around = {
    nowMs: run.shell.clock.nowMs(),
    events: run.flags.showEvents ? await eventsAround(run, key, metaOf(object).uid) : [],
  };
  const describer = DESCRIBERS[key.kind];
  // The object is of the key's kind.
  return describer === undefined
    ? describeOther({ kind: key.kind, object } as Typed, around)
    : describer(object, run, around);
}

function podsNear(run: DescribeRun, meta: ObjectMeta | undefined): Promise<readonly Pod[]> {
  return listKind(run, "Pod", { namespace: meta?.namespace });
}

async function eventsAround(run: DescribeRun, key: ObjectKey, uid: string): Promise<Surroundings["events"]> {
  const namespace = KINDS[key.kind].isNamespaced ? key.namespace : undefined;
  return eventsOf(await listKind(run, "Event", { namespace, fields: fieldsAbout(key) }), uid);
}

/** Objects around the one described; what may not be read is left out. */
async function listKind<K extends KindName>(
  { cluster, shell }: DescribeRun,
  kind: K,
  where: { readonly namespace?: string | undefined; readonly labels?: string; readonly fields?: string },
): Promise<readonly KindMap[K][]> {
  try {
    const { objects } = await listObjects(cluster, { kind, namespace: where.namespace, ...where }, shell.signal);
    // A list holds objects of the kind that was asked for.
    return objects.map(({ object }) => object as KindMap[K]);
  } catch (error) {
    if (hasCode(error, "forbidden")) return [];
    throw error;
  }
}
