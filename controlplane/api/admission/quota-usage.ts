import { isKeptCopy } from "../../../kinds/config-copies.js";
import type { Typed } from "../../../kinds/object.js";
import { isPodFinished } from "../../../kinds/pod-state.js";
import { qosClassOf } from "../../../kinds/qos-class.js";
import { COUNTED_BY_NAME, countedResource, parseClassQuota } from "../../../kinds/quota-resource.js";
import { isKindName, KINDS, type KindName } from "../../../kinds/registry.js";
import { formatBytes, formatMillicores } from "../../../lib/quantity.js";
import type { PersistentVolumeClaim } from "../../../proto/gen/tallship/v1/persistentvolumeclaim.js";
import type { Pod } from "../../../proto/gen/tallship/v1/pod.js";
import type { ResourceQuota } from "../../../proto/gen/tallship/v1/resourcequota.js";
import type { Service } from "../../../proto/gen/tallship/v1/service.js";
import { amountOf, podLimits, podRequests } from "../../../scheduler/pod-requests.js";
import type { View } from "../../cache/view.js";
import { typedOf } from "../write/reads.js";

/** Amounts by the names that quotas use: thousandths of a core, bytes or counts. */
export type Usage = ReadonlyMap<string, number>;

/** Kinds whose objects some quota can bound. */
export const COUNTED_KINDS: readonly KindName[] = Object.keys(KINDS)
  .filter(isKindName)
  .filter((kind) => KINDS[kind].isNamespaced && kind !== "Event" && kind !== "Revision");

/** What an object uses of everything that a quota can bound. A finished pod counts as an object alone, a copy of the cluster's own not at all. */
export function usageOf(typed: Typed): Usage {
  const usage = new Map<string, number>();
  if (isKeptCopy(typed.kind, typed.object.metadata)) return usage;
  const resource = countedResource(KINDS[typed.kind]);
  usage.set(`count/${resource}`, 1);
  if (Object.hasOwn(COUNTED_BY_NAME, resource)) usage.set(resource, 1);
  if (typed.kind === "Pod" && !isPodFinished(typed.object)) addPod(typed.object, usage);
  if (typed.kind === "Service") addService(typed.object, usage);
  if (typed.kind === "PersistentVolumeClaim") addClaim(typed.object, usage);
  return usage;
}

/** True when the quota is about objects like this one: its scopes hold, which only pods have. */
export function isInScope({ spec }: ResourceQuota, typed: Typed): boolean {
  const requirements = [
    ...(spec?.scopes ?? []).map((scopeName) => ({ scopeName, operator: "Exists", values: [] })),
    ...(spec?.scopeSelector?.matchExpressions ?? []),
  ];
  if (requirements.length === 0) return true;
  if (typed.kind !== "Pod") return false;
  return requirements.every(({ scopeName, operator, values }) =>
    scopeName === "PriorityClass"
      ? hasPriorityClass(typed.object, operator, values)
      : (SCOPES[scopeName]?.(typed.object) ?? false),
  );
}

/** What a namespace uses of a quota's resources, counted anew. */
export function countUsage(quota: ResourceQuota, namespace: string, view: View): Usage {
  const total = new Map(Object.keys(quota.spec?.hard ?? {}).map((name) => [name, 0]));
  for (const kind of COUNTED_KINDS) {
    const isCounted = [...total.keys()].some((name) => isUsedBy(name, kind));
    if (!isCounted) continue;
    for (const cached of view.list(kind, namespace)) {
      const typed = typedOf(cached);
      if (isInScope(quota, typed)) addKnown(total, usageOf(typed));
    }
  }
  return total;
}

/** Adds what the total has a name for. */
function addKnown(total: Map<string, number>, usage: Usage): void {
  for (const [name, amount] of usage) {
    const before = total.get(name);
    if (before !== undefined) total.set(name, before + amount);
  }
}

/** Amounts as quantities, in the names' order. */
export function quantitiesOf(usage: Usage): Readonly<Record<string, string>> {
  const names = [...usage.keys()].sort();
  return Object.fromEntries(names.map((name) => [name, quotaQuantity(name, usage.get(name) ?? 0)]));
}

/** An amount as a quantity of the resource. */
export function quotaQuantity(name: string, amount: number): string {
  const resource = name.replace(/^(requests|limits)\./, "");
  if (resource === "cpu") return formatMillicores(amount);
  return /memory|storage|hugepages/.test(resource) && !name.startsWith("count/") ? formatBytes(amount) : String(amount);
}

/** The amount of a quantity of a quota's resource. */
export function quotaAmount(name: string, quantity: string): number {
  return amountOf(name.replace(/^(requests|limits)\./, ""), quantity);
}

function isUsedBy(name: string, kind: KindName): boolean {
  const resource = countedResource(KINDS[kind]);
  if (name === resource || name === `count/${resource}`) return true;
  if (name.startsWith("count/")) return false;
  if (kind === "Service") return name.startsWith("services.");
  if (kind === "PersistentVolumeClaim") return name === "requests.storage" || parseClassQuota(name) !== undefined;
  return kind === "Pod" && !name.startsWith("services.") && !Object.hasOwn(COUNTED_BY_NAME, name);
}

/** Requests of these names count under their bare name too. */
const BARE: ReadonlySet<string> = new Set(["cpu", "memory", "ephemeral-storage"]);

function addPod(pod: Pod, usage: Map<string, number>): void {
  usage.set("pods", 1);
  for (const [name, amount] of podRequests(pod)) {
    usage.set(`requests.${name}`, amount);
    if (BARE.has(name) || name.startsWith("hugepages-")) usage.set(name, amount);
  }
  for (const [name, amount] of podLimits(pod)) if (BARE.has(name)) usage.set(`limits.${name}`, amount);
}

function addService({ spec }: Service, usage: Map<string, number>): void {
  const ports = spec?.ports.length ?? 0;
  const isBalanced = spec?.type === "LoadBalancer";
  const hasNodePorts = spec?.type === "NodePort" || (isBalanced && spec.allocateLoadBalancerNodePorts !== false);
  usage.set("services.loadbalancers", isBalanced ? 1 : 0);
  usage.set("services.nodeports", hasNodePorts ? ports : 0);
}

function addClaim({ spec }: PersistentVolumeClaim, usage: Map<string, number>): void {
  const storage = amountOf("storage", spec?.resources?.requests["storage"] ?? "0");
  usage.set("requests.storage", storage);
  const storageClass = spec?.storageClassName ?? "";
  if (storageClass === "") return;
  const prefix = `${storageClass}.storageclass.storage.k8s.io/`;
  usage.set(`${prefix}requests.storage`, storage);
  usage.set(`${prefix}persistentvolumeclaims`, 1);
}

const hasDeadline = (pod: Pod): boolean => pod.spec?.activeDeadlineSeconds !== undefined;
const isBestEffort = (pod: Pod): boolean => qosClassOf(pod.spec) === "BestEffort";

const SCOPES: Readonly<Record<string, (pod: Pod) => boolean>> = {
  Terminating: hasDeadline,
  NotTerminating: (pod) => !hasDeadline(pod),
  BestEffort: isBestEffort,
  NotBestEffort: (pod) => !isBestEffort(pod),
  CrossNamespacePodAffinity: hasForeignAffinity,
};

function hasForeignAffinity({ spec }: Pod): boolean {
  const sides = [spec?.affinity?.podAffinity, spec?.affinity?.podAntiAffinity];
  const terms = sides.flatMap((side) => [
    ...(side?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
    ...(side?.preferredDuringSchedulingIgnoredDuringExecution ?? []).flatMap(({ podAffinityTerm }) =>
      podAffinityTerm === undefined ? [] : [podAffinityTerm],
    ),
  ]);
  return terms.some(({ namespaces, namespaceSelector }) => namespaces.length > 0 || namespaceSelector !== undefined);
}

function hasPriorityClass({ spec }: Pod, operator: string, values: readonly string[]): boolean {
  const name = spec?.priorityClassName ?? "";
  if (operator === "Exists") return name !== "";
  if (operator === "DoesNotExist") return name === "";
  return operator === "In" ? values.includes(name) : !values.includes(name);
}
