import { deepEqual } from "../../lib/deep-equal.js";
import type {
  Deployment,
  DeploymentStrategy,
  RollingUpdateDeployment,
} from "../../proto/gen/tallship/v1/deployment.js";
import type { IntOrString } from "../../proto/gen/tallship/v1/meta.js";
import type { PodTemplateSpec } from "../../proto/gen/tallship/v1/pod.js";
import type { ReplicaSet } from "../../proto/gen/tallship/v1/replicaset.js";
import type {
  StatefulSet,
  StatefulSetUpdateStrategy,
  VolumeClaimTemplate,
} from "../../proto/gen/tallship/v1/statefulset.js";
import { defaultPodSpec } from "./pod.js";

const QUARTER: IntOrString = { value: { $case: "strVal", value: "25%" } };

/** A rolling update of a quarter of the pods at a time, and the defaults of its pods. */
export function defaultDeployment(deployment: Deployment): Deployment {
  const { spec } = deployment;
  if (spec === undefined) return deployment;
  return {
    ...deployment,
    spec: { ...spec, strategy: defaultStrategy(spec.strategy), template: defaultTemplate(spec.template) },
  };
}

/** The defaults of its pods. */
export function defaultReplicaSet(set: ReplicaSet): ReplicaSet {
  const { spec } = set;
  return spec === undefined ? set : { ...set, spec: { ...spec, template: defaultTemplate(spec.template) } };
}

/** A rolling update of all pods, claims that stay, and the defaults of its pods. */
export function defaultStatefulSet(set: StatefulSet): StatefulSet {
  const { spec } = set;
  if (spec === undefined) return set;
  return {
    ...set,
    spec: {
      ...spec,
      updateStrategy: defaultUpdate(spec.updateStrategy),
      persistentVolumeClaimRetentionPolicy: {
        whenDeleted: spec.persistentVolumeClaimRetentionPolicy?.whenDeleted || "Retain",
        whenScaled: spec.persistentVolumeClaimRetentionPolicy?.whenScaled || "Retain",
      },
      template: defaultTemplate(spec.template),
      volumeClaimTemplates: spec.volumeClaimTemplates.map(defaultClaimTemplate),
    },
  };
}

function defaultUpdate(strategy: StatefulSetUpdateStrategy | undefined): StatefulSetUpdateStrategy {
  const { type = "", rollingUpdate } = strategy ?? {};
  const bounds = { partition: rollingUpdate?.partition ?? 0, maxUnavailable: rollingUpdate?.maxUnavailable };
  if (type === "" || type === "RollingUpdate") return { type: "RollingUpdate", rollingUpdate: bounds };
  // As with a Deployment: bounds that were only filled in stay behind when the type changes.
  const isFilled = bounds.partition === 0 && bounds.maxUnavailable === undefined;
  return { type, rollingUpdate: isFilled ? undefined : rollingUpdate };
}

/** What a template says of itself and of its status is no wish. */
function defaultClaimTemplate(template: VolumeClaimTemplate): VolumeClaimTemplate {
  return { ...template, apiVersion: "v1", kind: "PersistentVolumeClaim", status: undefined };
}

function defaultStrategy(strategy: DeploymentStrategy | undefined): DeploymentStrategy {
  const { type = "", rollingUpdate } = strategy ?? {};
  // Bounds that were only filled in stay behind when the type changes; what a user wrote is for validation to refuse.
  if (type === "Recreate" && deepEqual(rollingUpdate, defaultRollingUpdate(undefined)))
    return { type, rollingUpdate: undefined };
  if (type !== "" && type !== "RollingUpdate") return { type, rollingUpdate };
  return { type: "RollingUpdate", rollingUpdate: defaultRollingUpdate(rollingUpdate) };
}

function defaultRollingUpdate(bounds: RollingUpdateDeployment | undefined): RollingUpdateDeployment {
  return { maxUnavailable: bounds?.maxUnavailable ?? QUARTER, maxSurge: bounds?.maxSurge ?? QUARTER };
}

/** The defaults of a template of pods. */
export function defaultTemplate(template: PodTemplateSpec | undefined): PodTemplateSpec | undefined {
  if (template?.spec === undefined) return template;
  return { ...template, spec: defaultPodSpec(template.spec) };
}
