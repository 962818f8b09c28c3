/** A place in objects of some kinds, as steps; lists on the way are gone through. */
export interface FieldPlace {
  readonly kind: string;
  readonly path: readonly string[];
  /** Make what is not there. */
  readonly isMade: boolean;
}

/** Where each kind that runs pods has its pod template. */
const TEMPLATES: Readonly<Record<string, string>> = {
  Deployment: "spec/template",
  ReplicaSet: "spec/template",
  DaemonSet: "spec/template",
  StatefulSet: "spec/template",
  Job: "spec/template",
  ReplicationController: "spec/template",
  CronJob: "spec/jobTemplate/spec/template",
  PodTemplate: "template",
};

/** Steps of a path written with slashes; `\/` is a slash in a step, `[]` after a step only says that it is a list. */
export function stepsOf(path: string): readonly string[] {
  return path
    .split(/(?<!\\)\//)
    .map((step) => step.replaceAll("\\/", "/").replace(/\[\]$/, ""))
    .filter((step) => step !== "");
}

/** Where the pod spec of each kind stands. */
export const POD_SPECS: Readonly<Record<string, readonly string[]>> = {
  Pod: ["spec"],
  ...Object.fromEntries(Object.entries(TEMPLATES).map(([kind, path]) => [kind, stepsOf(`${path}/spec`)])),
};

/** Places of labels or annotations in the templates that objects make others of. */
export function templatePlaces(field: "labels" | "annotations"): readonly FieldPlace[] {
  const own = Object.entries(TEMPLATES)
    .filter(([kind]) => kind !== "PodTemplate")
    .map(([kind, path]) => place(kind, `${path}/metadata/${field}`, true));
  const claims = field === "labels" ? [place("StatefulSet", "spec/volumeClaimTemplates/metadata/labels", true)] : [];
  return [...own, ...claims, place("CronJob", `spec/jobTemplate/metadata/${field}`, true)];
}

function place(kind: string, path: string, isMade: boolean): FieldPlace {
  return { kind, path: stepsOf(path), isMade };
}

const AFFINITIES = ["podAffinity", "podAntiAffinity"].flatMap((kind) => [
  `affinity/${kind}/preferredDuringSchedulingIgnoredDuringExecution/podAffinityTerm/labelSelector/matchLabels`,
  `affinity/${kind}/requiredDuringSchedulingIgnoredDuringExecution/labelSelector/matchLabels`,
]);

/** Places of selectors that find pods by the labels that a kustomization gives them. */
export const SELECTOR_PLACES: readonly FieldPlace[] = [
  place("Service", "spec/selector", true),
  place("ReplicationController", "spec/selector", true),
  ...["Deployment", "ReplicaSet", "DaemonSet", "StatefulSet"].map((kind) =>
    place(kind, "spec/selector/matchLabels", true),
  ),
  ...["Deployment", "StatefulSet"].flatMap((kind) =>
    [...AFFINITIES, "topologySpreadConstraints/labelSelector/matchLabels"].map((path) =>
      place(kind, `spec/template/spec/${path}`, false),
    ),
  ),
  place("Job", "spec/selector/matchLabels", false),
  place("CronJob", "spec/jobTemplate/spec/selector/matchLabels", false),
  place("PodDisruptionBudget", "spec/selector/matchLabels", false),
  ...["podSelector", "ingress/from/podSelector", "egress/to/podSelector"].map((path) =>
    place("NetworkPolicy", `spec/${path}/matchLabels`, false),
  ),
];

/** A field that names another object. */
export interface Reference {
  /** Kind of the object that has the field. */
  readonly from: string;
  readonly path: readonly string[];
  /** Kinds that the field may name; empty: the field beside it says which. */
  readonly to: readonly string[];
}

/** Fields of a pod spec that name other objects. */
const POD_REFERENCES: readonly (readonly [to: string, ...paths: string[]])[] = [
  ["ConfigMap", "volumes/configMap/name", "volumes/projected/sources/configMap/name", ...containerPaths("configMap")],
  [
    "Secret",
    "volumes/secret/secretName",
    "volumes/projected/sources/secret/name",
    "imagePullSecrets/name",
    ...containerPaths("secret"),
  ],
  ["ServiceAccount", "serviceAccountName", "serviceAccount"],
  ["PersistentVolumeClaim", "volumes/persistentVolumeClaim/claimName"],
  ["PriorityClass", "priorityClassName"],
];

function containerPaths(word: string): readonly string[] {
  return ["containers", "initContainers", "ephemeralContainers"].flatMap((list) => [
    `${list}/env/valueFrom/${word}KeyRef/name`,
    `${list}/envFrom/${word}Ref/name`,
  ]);
}

const OTHER_REFERENCES: readonly (readonly [from: string, to: string, ...paths: string[]])[] = [
  ["HorizontalPodAutoscaler", "", "spec/scaleTargetRef"],
  ["StatefulSet", "Service", "spec/serviceName"],
  ["StatefulSet", "StorageClass", "spec/volumeClaimTemplates/spec/storageClassName"],
  [
    "Ingress",
    "Service",
    "spec/rules/http/paths/backend/service/name",
    "spec/defaultBackend/service/name",
    "spec/rules/http/paths/backend/serviceName",
    "spec/backend/serviceName",
  ],
  ["Ingress", "Secret", "spec/tls/secretName"],
  ["Ingress", "IngressClass", "spec/ingressClassName"],
  ["ServiceAccount", "Secret", "imagePullSecrets/name"],
  ["RoleBinding", "", "roleRef", "subjects"],
  ["ClusterRoleBinding", "", "roleRef", "subjects"],
  ["PersistentVolumeClaim", "PersistentVolume", "spec/volumeName"],
  ["PersistentVolumeClaim", "StorageClass", "spec/storageClassName"],
  ["PersistentVolume", "StorageClass", "spec/storageClassName"],
  ["PersistentVolume", "PersistentVolumeClaim", "spec/claimRef/name"],
];

/** Every field that names another object, from which references follow renamed objects. */
export const REFERENCES: readonly Reference[] = [
  ...Object.entries(POD_SPECS).flatMap(([from, spec]) =>
    POD_REFERENCES.flatMap(([to, ...paths]) =>
      paths.map((path) => ({ from, path: [...spec, ...stepsOf(path)], to: [to] })),
    ),
  ),
  ...OTHER_REFERENCES.flatMap(([from, to, ...paths]) =>
    paths.map((path) => ({ from, path: stepsOf(path), to: to === "" ? [] : [to] })),
  ),
];
