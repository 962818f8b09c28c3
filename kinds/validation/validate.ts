import type { Typed } from "../object.js";
import type { KindMap, KindName } from "../registry.js";
import { checkAutoscaler } from "./autoscaler.js";
import { checkBudget } from "./budget.js";
import { checkConfigMap, checkSecret } from "./config.js";
import { checkCronJob } from "./cron-job.js";
import { checkDaemonSet } from "./daemon-set.js";
import { checkEndpointSlice } from "./endpoint-slice.js";
import { type FieldError, Findings } from "./findings.js";
import { checkIngress, checkIngressClass } from "./ingress.js";
import { checkJob } from "./job.js";
import { checkMeta } from "./meta.js";
import { checkNetwork } from "./network.js";
import { checkNetworkPolicy } from "./network-policy.js";
import { checkNode } from "./node.js";
import { checkPod } from "./pod.js";
import { checkLimitRange, checkPriorityClass, checkResourceQuota } from "./policy.js";
import { checkClusterRole, checkClusterRoleBinding, checkRole, checkRoleBinding } from "./rbac.js";
import { checkImmutable, checkRules } from "./rules.js";
import { checkService } from "./service.js";
import { checkStatefulSet } from "./stateful-set.js";
import { checkClaim, checkStorageClass, checkVolume } from "./storage.js";
import { checkDeployment, checkReplicaSet } from "./workload.js";

/** Checks of one kind that span several fields. `previous` is the object before the change. */
type Checks = {
  readonly [K in KindName]?: (object: KindMap[K], findings: Findings, previous: KindMap[K] | undefined) => void;
};

const CHECKS: Checks = {
  ClusterRole: checkClusterRole,
  ClusterRoleBinding: checkClusterRoleBinding,
  ConfigMap: checkConfigMap,
  CronJob: checkCronJob,
  DaemonSet: checkDaemonSet,
  Deployment: checkDeployment,
  EndpointSlice: checkEndpointSlice,
  HorizontalPodAutoscaler: checkAutoscaler,
  Ingress: checkIngress,
  IngressClass: checkIngressClass,
  Job: checkJob,
  LimitRange: checkLimitRange,
  Network: checkNetwork,
  NetworkPolicy: checkNetworkPolicy,
  Node: checkNode,
  PersistentVolume: checkVolume,
  PersistentVolumeClaim: checkClaim,
  Pod: checkPod,
  PodDisruptionBudget: checkBudget,
  PriorityClass: checkPriorityClass,
  ReplicaSet: checkReplicaSet,
  ResourceQuota: checkResourceQuota,
  Role: checkRole,
  RoleBinding: checkRoleBinding,
  Secret: checkSecret,
  Service: checkService,
  StatefulSet: checkStatefulSet,
  StorageClass: checkStorageClass,
};

/**
 * Everything that is wrong with an object whose defaults are filled, in the order of its fields; with `previous`, also every
 * change that is not allowed. Client and server both call it. Names that other objects must have are not checked.
 */
export function validate<K extends KindName>(typed: Typed<K>, previous?: Typed<K>): readonly FieldError[] {
  const findings = new Findings();
  const { kind, object } = typed;
  checkRules(kind, object, [], findings);
  checkMeta(kind, object.metadata, findings);
  const before = previous?.object;
  if (before !== undefined) {
    // Messages are records of their fields.
    const pair = { before: before as object as Fields, after: object as object as Fields };
    checkImmutable(kind, pair, [], findings);
  }
  CHECKS[kind]?.(object, findings, before);
  return findings.errors;
}

type Fields = Readonly<Record<string, unknown>>;
