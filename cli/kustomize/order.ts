import type { KustomizationSortOptions } from "../../proto/gen/tallship/v1/kustomization.js";
import { type Id, idOf, type Resource } from "./resource.js";

/** Kinds that others need come first, in kustomize's order. */
const FIRST = [
  "Namespace",
  "ResourceQuota",
  "StorageClass",
  "CustomResourceDefinition",
  "ServiceAccount",
  "PodSecurityPolicy",
  "Role",
  "ClusterRole",
  "RoleBinding",
  "ClusterRoleBinding",
  "ConfigMap",
  "Secret",
  "Endpoints",
  "Service",
  "LimitRange",
  "PriorityClass",
  "PersistentVolume",
  "PersistentVolumeClaim",
  "Deployment",
  "StatefulSet",
  "CronJob",
  "PodDisruptionBudget",
];
const LAST = ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"];

/** The objects in the order that the options ask for; without any in kustomize's legacy order. */
export function ordered(
  resources: readonly Resource[],
  options: KustomizationSortOptions | undefined,
): readonly Resource[] {
  if (options?.order === "fifo") return resources;
  const legacy = options?.legacySortOptions;
  const first = legacy?.orderFirst ?? FIRST;
  const last = legacy?.orderLast ?? LAST;
  const rank = ({ kind }: Id): number => {
    const early = first.indexOf(kind);
    if (early !== -1) return early - first.length;
    return last.indexOf(kind) + 1;
  };
  const keyed = resources.map((resource) => ({ resource, id: idOf(resource) }));
  keyed.sort(
    ({ id: a }, { id: b }) =>
      rank(a) - rank(b) || compare(kindText(a), kindText(b)) || compare(nameText(a), nameText(b)),
  );
  return keyed.map(({ resource }) => resource);
}

/** What kustomize compares objects of one rank by; the absent stands after everything. */
function kindText({ group, version, kind }: Id): string {
  return `${group || "~G"}_${version || "~V"}_${kind || "~K"}`;
}

function nameText({ namespace, name }: Id): string {
  return `${namespace || "~X"}|${name || "~N"}`;
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
