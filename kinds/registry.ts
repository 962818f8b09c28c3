import type { MessageType } from "../lib/transport/service.js";
import { ConfigMap } from "../proto/gen/tallship/v1/configmap.js";
import { ControllerRevision } from "../proto/gen/tallship/v1/controllerrevision.js";
import { CronJob } from "../proto/gen/tallship/v1/cronjob.js";
import { DaemonSet } from "../proto/gen/tallship/v1/daemonset.js";
import { Deployment } from "../proto/gen/tallship/v1/deployment.js";
import { EndpointSlice } from "../proto/gen/tallship/v1/endpointslice.js";
import { Event } from "../proto/gen/tallship/v1/event.js";
import { HorizontalPodAutoscaler } from "../proto/gen/tallship/v1/horizontalpodautoscaler.js";
import { Image } from "../proto/gen/tallship/v1/image.js";
import { Ingress, IngressClass } from "../proto/gen/tallship/v1/ingress.js";
import { Job } from "../proto/gen/tallship/v1/job.js";
import { LimitRange } from "../proto/gen/tallship/v1/limitrange.js";
import { Namespace } from "../proto/gen/tallship/v1/namespace.js";
import { Network } from "../proto/gen/tallship/v1/network.js";
import { NetworkPolicy } from "../proto/gen/tallship/v1/networkpolicy.js";
import { Node } from "../proto/gen/tallship/v1/node.js";
import { PersistentVolume } from "../proto/gen/tallship/v1/persistentvolume.js";
import { PersistentVolumeClaim } from "../proto/gen/tallship/v1/persistentvolumeclaim.js";
import { Pod } from "../proto/gen/tallship/v1/pod.js";
import { PodDisruptionBudget } from "../proto/gen/tallship/v1/poddisruptionbudget.js";
import { PodGroup } from "../proto/gen/tallship/v1/podgroup.js";
import { PriorityClass } from "../proto/gen/tallship/v1/priorityclass.js";
import { Queue } from "../proto/gen/tallship/v1/queue.js";
import { ClusterRole, ClusterRoleBinding, Role, RoleBinding } from "../proto/gen/tallship/v1/rbac.js";
import { ReplicaSet } from "../proto/gen/tallship/v1/replicaset.js";
import { ResourceQuota } from "../proto/gen/tallship/v1/resourcequota.js";
import { Revision } from "../proto/gen/tallship/v1/revision.js";
import { Secret } from "../proto/gen/tallship/v1/secret.js";
import { Service } from "../proto/gen/tallship/v1/service.js";
import { ServiceAccount } from "../proto/gen/tallship/v1/serviceaccount.js";
import { StatefulSet } from "../proto/gen/tallship/v1/statefulset.js";
import { StorageClass } from "../proto/gen/tallship/v1/storageclass.js";

/** The message type of each kind. */
export interface KindMap {
  Namespace: Namespace;
  Node: Node;
  Pod: Pod;
  ReplicaSet: ReplicaSet;
  Deployment: Deployment;
  DaemonSet: DaemonSet;
  ControllerRevision: ControllerRevision;
  Job: Job;
  CronJob: CronJob;
  Service: Service;
  EndpointSlice: EndpointSlice;
  ConfigMap: ConfigMap;
  Secret: Secret;
  Event: Event;
  Revision: Revision;
  HorizontalPodAutoscaler: HorizontalPodAutoscaler;
  PodDisruptionBudget: PodDisruptionBudget;
  StatefulSet: StatefulSet;
  PersistentVolume: PersistentVolume;
  PersistentVolumeClaim: PersistentVolumeClaim;
  StorageClass: StorageClass;
  Ingress: Ingress;
  PriorityClass: PriorityClass;
  ResourceQuota: ResourceQuota;
  LimitRange: LimitRange;
  NetworkPolicy: NetworkPolicy;
  ServiceAccount: ServiceAccount;
  Role: Role;
  ClusterRole: ClusterRole;
  RoleBinding: RoleBinding;
  ClusterRoleBinding: ClusterRoleBinding;
  IngressClass: IngressClass;
  PodGroup: PodGroup;
  Queue: Queue;
  Image: Image;
  Network: Network;
}

/** Name of a kind. */
export type KindName = keyof KindMap;

/** What the rest of the code knows of a kind by itself. Everything else is in the schema. */
export interface KindRow<K extends KindName = KindName> {
  readonly kind: K;
  /** API group; empty for core. */
  readonly group: string;
  /** API versions accepted, the one that is written first. */
  readonly versions: readonly string[];
  /** Name in lists and commands. */
  readonly plural: string;
  readonly shortNames: readonly string[];
  readonly isNamespaced: boolean;
  /** Encodes and decodes the kind's message, without the envelope of AnyObject. */
  readonly message: MessageType<KindMap[K]>;
  /** Makes a whole message of the parts given. */
  readonly create: (partial: Partial<KindMap[K]>) => KindMap[K];
}

/** Every kind there is. A new kind is one row here, one line in KindMap and one in object.proto. */
export const KINDS: { readonly [K in KindName]: KindRow<K> } = {
  Namespace: row(Namespace, { kind: "Namespace", plural: "namespaces", shortNames: ["ns"], isNamespaced: false }),
  Node: row(Node, { kind: "Node", plural: "nodes", shortNames: ["no"], isNamespaced: false }),
  Pod: row(Pod, { kind: "Pod", plural: "pods", shortNames: ["po"] }),
  ReplicaSet: row(ReplicaSet, { kind: "ReplicaSet", group: "apps", plural: "replicasets", shortNames: ["rs"] }),
  Deployment: row(Deployment, { kind: "Deployment", group: "apps", plural: "deployments", shortNames: ["deploy"] }),
  DaemonSet: row(DaemonSet, { kind: "DaemonSet", group: "apps", plural: "daemonsets", shortNames: ["ds"] }),
  ControllerRevision: row(ControllerRevision, {
    kind: "ControllerRevision",
    group: "apps",
    plural: "controllerrevisions",
  }),
  Job: row(Job, { kind: "Job", group: "batch", plural: "jobs" }),
  CronJob: row(CronJob, { kind: "CronJob", group: "batch", plural: "cronjobs", shortNames: ["cj"] }),
  Service: row(Service, { kind: "Service", plural: "services", shortNames: ["svc"] }),
  EndpointSlice: row(EndpointSlice, { kind: "EndpointSlice", group: "discovery.k8s.io", plural: "endpointslices" }),
  ConfigMap: row(ConfigMap, { kind: "ConfigMap", plural: "configmaps", shortNames: ["cm"] }),
  Secret: row(Secret, { kind: "Secret", plural: "secrets" }),
  Event: row(Event, { kind: "Event", plural: "events", shortNames: ["ev"] }),
  Revision: row(Revision, { kind: "Revision", group: "tallship.dev", plural: "revisions" }),
  HorizontalPodAutoscaler: row(HorizontalPodAutoscaler, {
    kind: "HorizontalPodAutoscaler",
    group: "autoscaling",
    versions: ["v2", "v1"],
    plural: "horizontalpodautoscalers",
    shortNames: ["hpa"],
  }),
  PodDisruptionBudget: row(PodDisruptionBudget, {
    kind: "PodDisruptionBudget",
    group: "policy",
    plural: "poddisruptionbudgets",
    shortNames: ["pdb"],
  }),
  StatefulSet: row(StatefulSet, { kind: "StatefulSet", group: "apps", plural: "statefulsets", shortNames: ["sts"] }),
  PersistentVolume: row(PersistentVolume, {
    kind: "PersistentVolume",
    plural: "persistentvolumes",
    shortNames: ["pv"],
    isNamespaced: false,
  }),
  PersistentVolumeClaim: row(PersistentVolumeClaim, {
    kind: "PersistentVolumeClaim",
    plural: "persistentvolumeclaims",
    shortNames: ["pvc"],
  }),
  StorageClass: row(StorageClass, {
    kind: "StorageClass",
    group: "storage.k8s.io",
    plural: "storageclasses",
    shortNames: ["sc"],
    isNamespaced: false,
  }),
  Ingress: row(Ingress, { kind: "Ingress", group: "networking.k8s.io", plural: "ingresses", shortNames: ["ing"] }),
  PriorityClass: row(PriorityClass, {
    kind: "PriorityClass",
    group: "scheduling.k8s.io",
    plural: "priorityclasses",
    shortNames: ["pc"],
    isNamespaced: false,
  }),
  ResourceQuota: row(ResourceQuota, { kind: "ResourceQuota", plural: "resourcequotas", shortNames: ["quota"] }),
  LimitRange: row(LimitRange, { kind: "LimitRange", plural: "limitranges", shortNames: ["limits"] }),
  NetworkPolicy: row(NetworkPolicy, {
    kind: "NetworkPolicy",
    group: "networking.k8s.io",
    plural: "networkpolicies",
    shortNames: ["netpol"],
  }),
  ServiceAccount: row(ServiceAccount, { kind: "ServiceAccount", plural: "serviceaccounts", shortNames: ["sa"] }),
  Role: row(Role, { kind: "Role", group: "rbac.authorization.k8s.io", plural: "roles" }),
  ClusterRole: row(ClusterRole, {
    kind: "ClusterRole",
    group: "rbac.authorization.k8s.io",
    plural: "clusterroles",
    isNamespaced: false,
  }),
  RoleBinding: row(RoleBinding, { kind: "RoleBinding", group: "rbac.authorization.k8s.io", plural: "rolebindings" }),
  ClusterRoleBinding: row(ClusterRoleBinding, {
    kind: "ClusterRoleBinding",
    group: "rbac.authorization.k8s.io",
    plural: "clusterrolebindings",
    isNamespaced: false,
  }),
  IngressClass: row(IngressClass, {
    kind: "IngressClass",
    group: "networking.k8s.io",
    plural: "ingressclasses",
    isNamespaced: false,
  }),
  Queue: row(Queue, { kind: "Queue", group: "tallship.dev", plural: "queues", isNamespaced: false }),
  PodGroup: row(PodGroup, { kind: "PodGroup", group: "tallship.dev", plural: "podgroups", shortNames: ["pg"] }),
  Network: row(Network, { kind: "Network", group: "tallship.dev", plural: "networks", shortNames: ["net"] }),
  Image: row(Image, { kind: "Image", group: "tallship.dev", plural: "images", isNamespaced: false }),
};

/** A row: the kind's names, and its message's own functions. Most kinds are of the core group, namespaced, at v1 and without short names. */
function row<K extends KindName>(
  message: MessageType<KindMap[K]> & { fromPartial(partial: Partial<KindMap[K]>): KindMap[K] },
  names: Pick<KindRow<K>, "kind" | "plural"> &
    Partial<Pick<KindRow<K>, "group" | "versions" | "shortNames" | "isNamespaced">>,
): KindRow<K> {
  const usual = { group: "", versions: ["v1"], shortNames: [], isNamespaced: true };
  return { ...usual, ...names, message, create: (partial) => message.fromPartial(partial) };
}

/** True when there is a kind of that name. */
export function isKindName(text: string): text is KindName {
  return Object.hasOwn(KINDS, text);
}

/** The API version that objects of the kind are written with, such as "apps/v1". */
export function apiVersionOf(kind: KindName): string {
  const row = KINDS[kind];
  return row.group === "" ? `${row.versions[0]}` : `${row.group}/${row.versions[0]}`;
}
