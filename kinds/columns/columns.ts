import { ageText } from "../age.js";
import type { Typed } from "../object.js";
import type { KindMap, KindName } from "../registry.js";
import { autoscalerColumns } from "./autoscaler.js";
import { controllerRevisionColumns, cronJobColumns, daemonSetColumns, jobColumns } from "./batch.js";
import { budgetColumns } from "./budget.js";
import type { Column, WithMeta } from "./column.js";
import { configMapColumns, namespaceColumns, secretColumns } from "./config.js";
import { endpointSliceColumns } from "./endpoint-slice.js";
import { eventColumns } from "./event.js";
import { imageColumns } from "./image.js";
import { ingressClassColumns, ingressColumns } from "./ingress.js";
import { networkColumns } from "./network.js";
import { nodeColumns } from "./node.js";
import { podColumns } from "./pod.js";
import { podGroupColumns } from "./pod-group.js";
import {
  createdAt,
  networkPolicyColumns,
  preemptionPolicy,
  priorityClassColumns,
  resourceQuotaColumns,
} from "./policy.js";
import { queueColumns } from "./queue.js";
import { bindingColumns, serviceAccountColumns } from "./rbac.js";
import { revisionColumns } from "./revision.js";
import { serviceColumns } from "./service.js";
import { claimColumns, storageClassColumns, volumeColumns } from "./storage.js";
import { deploymentColumns, replicaSetColumns, statefulSetColumns } from "./workload.js";

const NAME: Column<WithMeta> = { name: "NAME", cell: (object) => object.metadata?.name ?? "" };
const AGE: Column<WithMeta> = {
  name: "AGE",
  cell: (object, nowMs) => ageText(object.metadata?.creationTimestamp ?? "", nowMs),
};

/** The columns of each kind, in kubectl's order and words. AGE closes the narrow columns. */
const COLUMNS: { readonly [K in KindName]: readonly Column<KindMap[K]>[] } = {
  ClusterRole: [NAME, createdAt],
  ClusterRoleBinding: table(bindingColumns),
  ConfigMap: table(configMapColumns),
  ControllerRevision: table(controllerRevisionColumns),
  CronJob: table(cronJobColumns),
  DaemonSet: table(daemonSetColumns),
  Deployment: table(deploymentColumns),
  EndpointSlice: table(endpointSliceColumns),
  Event: eventColumns,
  HorizontalPodAutoscaler: table(autoscalerColumns),
  Image: table(imageColumns),
  Job: table(jobColumns),
  Ingress: table(ingressColumns),
  IngressClass: table(ingressClassColumns),
  LimitRange: [NAME, createdAt],
  Namespace: table(namespaceColumns),
  Network: table(networkColumns),
  NetworkPolicy: table(networkPolicyColumns),
  Node: nodeColumns(AGE),
  PersistentVolume: table(volumeColumns),
  PersistentVolumeClaim: table(claimColumns),
  Pod: table(podColumns),
  PodDisruptionBudget: table(budgetColumns),
  PodGroup: table(podGroupColumns),
  PriorityClass: [...table(priorityClassColumns), preemptionPolicy],
  Queue: table(queueColumns),
  ReplicaSet: table(replicaSetColumns),
  ResourceQuota: table(resourceQuotaColumns),
  Revision: table(revisionColumns),
  Role: [NAME, createdAt],
  RoleBinding: table(bindingColumns),
  Secret: table(secretColumns),
  Service: table(serviceColumns),
  ServiceAccount: table(serviceAccountColumns),
  StatefulSet: table(statefulSetColumns),
  StorageClass: storageClassColumns(AGE),
};

/** A table's shape and one object's row of it. */
export interface TableOptions {
  readonly isWide: boolean;
  readonly nowMs: number;
}

/** The headings of a kind's table. */
export function headings(kind: KindName, isWide: boolean): readonly string[] {
  return columnsOf(kind, isWide).map(({ name }) => name);
}

/** An object's cells, one per heading. */
export function cells({ kind, object }: Typed, { isWide, nowMs }: TableOptions): readonly string[] {
  // The kind's columns take the kind's objects.
  return columnsOf(kind, isWide).map(({ cell }) => cell(object as never, nowMs));
}

function columnsOf(kind: KindName, isWide: boolean): readonly Column<never>[] {
  const columns: readonly Column<never>[] = COLUMNS[kind];
  return isWide ? columns : columns.filter((column) => column.isWide !== true);
}

function table<T extends WithMeta>(columns: readonly Column<T>[]): readonly Column<T>[] {
  return [
    NAME,
    ...columns.filter(({ isWide }) => isWide !== true),
    AGE,
    ...columns.filter(({ isWide }) => isWide === true),
  ];
}
