import type { Typed } from "../object.js";
import type { KindMap, KindName } from "../registry.js";
import { checkAutoscaler } from "./autoscaler.js";
import { checkBudget } from "./budget.js";
import { checkConfigMap, checkSecret } from "./config.js";
import { checkCronJob } from "./cron-job.js";
import { checkDaemonSet } from "./daemon-set.js";
import { checkEndpointSlice } from "./endpoint-slice.js";
import { type FieldError, Findings } from "./findings.js";
import { checkJob } from "./job.js";
import { checkMeta } from "./meta.js";
import { checkNode } from "./node.js";
import { checkPod } from "./pod.js";
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
  ConfigMap: checkConfigMap,
  CronJob: checkCronJob,
  DaemonSet: checkDaemonSet,
  Deployment: checkDeployment,
  EndpointSlice: checkEndpointSlice,
  HorizontalPodAutoscaler: checkAutoscaler,
  Job: checkJob,
  Node: checkNode,
  PersistentVolume: checkVolume,
  PersistentVolumeClaim: checkClaim,
  Pod: checkPod,
  PodDisruptionBudget: checkBudget,
  ReplicaSet: checkReplicaSet,
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
