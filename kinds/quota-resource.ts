import { KINDS } from "./registry.js";

/** Names by which a quota bounds pods and what they ask for. */
const OF_PODS: ReadonlySet<string> = new Set([
  "pods",
  "count/pods",
  "cpu",
  "memory",
  "ephemeral-storage",
  "requests.cpu",
  "requests.memory",
  "requests.ephemeral-storage",
  "limits.cpu",
  "limits.memory",
  "limits.ephemeral-storage",
]);

/** Short names by which a quota counts objects, and the resource whose objects they count. */
export const COUNTED_BY_NAME: Readonly<Record<string, string>> = {
  configmaps: "configmaps",
  persistentvolumeclaims: "persistentvolumeclaims",
  replicationcontrollers: "replicationcontrollers",
  resourcequotas: "resourcequotas",
  secrets: "secrets",
  services: "services",
};

const OF_SERVICES: ReadonlySet<string> = new Set(["services.loadbalancers", "services.nodeports"]);

/** The resource of a kind as a quota counts its objects: deployments.apps, configmaps. */
export function countedResource({ plural, group }: { readonly plural: string; readonly group: string }): string {
  return group === "" ? plural : `${plural}.${group}`;
}

const COUNTABLE: ReadonlySet<string> = new Set(
  Object.values(KINDS)
    .filter(({ isNamespaced }) => isNamespaced)
    .map(countedResource),
);

/** True for resources that pods alone use. */
export function isPodOnlyQuota(name: string): boolean {
  return OF_PODS.has(name) || /^(requests\.)?hugepages-/.test(name) || isExtendedRequest(name);
}

/** True for names that stand for something that is counted here. */
export function isQuotaResource(name: string): boolean {
  if (name.startsWith("count/")) return COUNTABLE.has(name.slice("count/".length));
  return isPodOnlyQuota(name) || isStorageQuota(name) || Object.hasOwn(COUNTED_BY_NAME, name) || OF_SERVICES.has(name);
}

/** The storage class of a name such as fast.storageclass.storage.k8s.io/requests.storage, and what is counted of it. */
export function parseClassQuota(name: string): { readonly storageClass: string; readonly of: string } | undefined {
  const match = /^(.+)\.storageclass\.storage\.k8s\.io\/(requests\.storage|persistentvolumeclaims)$/.exec(name);
  return match === null ? undefined : { storageClass: match[1] ?? "", of: match[2] ?? "" };
}

function isStorageQuota(name: string): boolean {
  return name === "requests.storage" || parseClassQuota(name) !== undefined;
}

function isExtendedRequest(name: string): boolean {
  return /^requests\.[^/]+\/[^/]+$/.test(name);
}
