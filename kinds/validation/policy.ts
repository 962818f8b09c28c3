import { parseQuantity } from "../../lib/quantity.js";
import type { LimitRange, LimitRangeItem } from "../../proto/gen/tallship/v1/limitrange.js";
import type { PriorityClass } from "../../proto/gen/tallship/v1/priorityclass.js";
import type { ResourceQuota, ResourceQuotaSpec } from "../../proto/gen/tallship/v1/resourcequota.js";
import { SYSTEM_PRIORITIES, USER_PRIORITY_MOST } from "../priority.js";
import { isPodOnlyQuota, isQuotaResource } from "../quota-resource.js";
import type { Findings, Path } from "./findings.js";

/** The cluster's own classes stay as they are; those of users stay below them, and a value once given stays. */
export function checkPriorityClass(
  { metadata, value }: PriorityClass,
  findings: Findings,
  previous: PriorityClass | undefined,
): void {
  const name = metadata?.name ?? "";
  const system = SYSTEM_PRIORITIES.find((each) => each.name === name);
  if (name.startsWith("system-") && system?.value !== value)
    findings.add("forbidden", ["metadata", "name"], 'names that begin with "system-" are the cluster\'s own');
  if (system === undefined && value > USER_PRIORITY_MOST)
    findings.add("forbidden", ["value"], `want at most ${USER_PRIORITY_MOST}, found ${value}`);
  if (previous !== undefined && previous.value === 0 && value !== 0)
    findings.add("immutable", ["value"], "this field cannot be changed");
}

/** Resources that can be counted, amounts that can be used, and scopes that agree with each other and with the resources. */
export function checkResourceQuota(
  { spec }: ResourceQuota,
  findings: Findings,
  previous: ResourceQuota | undefined,
): void {
  if (spec === undefined) return;
  for (const [name, quantity] of Object.entries(spec.hard)) {
    const path = ["spec", "hard", name];
    const amount = parseQuantity(quantity);
    if (!isQuotaResource(name)) findings.add("invalid", path, "no resource of this name is counted");
    if (amount !== undefined && amount < 0) findings.add("invalid", path, `want at least 0, found ${quantity}`);
  }
  checkScopes(spec, findings);
  if (previous?.spec !== undefined && scopesText(previous.spec) !== scopesText(spec))
    findings.add("immutable", ["spec", "scopes"], "this field cannot be changed");
}

/** Bounds in their order, ratios of at least 1, and one element for each type. */
export function checkLimitRange({ spec }: LimitRange, findings: Findings): void {
  if (spec === undefined) {
    findings.add("required", ["spec"], "this field is required");
    return;
  }
  findings.unique(
    spec.limits.map(({ type }) => type),
    (index) => ["spec", "limits", index, "type"],
  );
  for (const [index, element] of spec.limits.entries()) checkLimits(element, ["spec", "limits", index], findings);
}

const OPPOSITES = [
  ["BestEffort", "NotBestEffort"],
  ["Terminating", "NotTerminating"],
] as const;

function checkScopes(spec: ResourceQuotaSpec, findings: Findings): void {
  const { scopes, scopeSelector, hard } = spec;
  for (const [index, { scopeName, operator, values }] of (scopeSelector?.matchExpressions ?? []).entries()) {
    const path = ["spec", "scopeSelector", "matchExpressions", index];
    const wantsValues = operator === "In" || operator === "NotIn";
    if (scopeName !== "PriorityClass" && operator !== "Exists")
      findings.add("invalid", [...path, "operator"], `scope ${scopeName} knows Exists alone`);
    if (wantsValues && values.length === 0)
      findings.add("required", [...path, "values"], `operator ${operator} needs values`);
    if (!wantsValues && values.length > 0)
      findings.add("forbidden", [...path, "values"], `operator ${operator} takes no values`);
  }
  const all = new Set([...scopes, ...(scopeSelector?.matchExpressions ?? []).map(({ scopeName }) => scopeName)]);
  for (const pair of OPPOSITES)
    if (pair.every((scope) => all.has(scope)))
      findings.add("invalid", ["spec", "scopes"], `no pod is both ${pair.join(" and ")}`);
  if (all.size === 0) return;
  for (const name of Object.keys(hard)) {
    const isCounted = all.has("BestEffort") ? name === "pods" || name === "count/pods" : isPodOnlyQuota(name);
    if (!isCounted) findings.add("invalid", ["spec", "hard", name], `not counted within ${[...all].join(", ")}`);
  }
}

function scopesText(spec: ResourceQuotaSpec): string {
  return [...spec.scopes].sort().join();
}

const ORDER = [
  ["min", "max"],
  ["min", "default"],
  ["default", "max"],
  ["min", "defaultRequest"],
  ["defaultRequest", "max"],
  ["defaultRequest", "default"],
] as const;

function checkLimits(element: LimitRangeItem, path: Path, findings: Findings): void {
  for (const [low, high] of ORDER)
    for (const [name, quantity] of Object.entries(element[low])) {
      const other = element[high][name];
      if (other !== undefined && (parseQuantity(quantity) ?? 0) > (parseQuantity(other) ?? 0))
        findings.add("invalid", [...path, low, name], `want at most ${high} (${other}), found ${quantity}`);
    }
  for (const [name, ratio] of Object.entries(element.maxLimitRequestRatio))
    if ((parseQuantity(ratio) ?? 1) < 1)
      findings.add("invalid", [...path, "maxLimitRequestRatio", name], `want at least 1, found ${ratio}`);
  if (element.type === "Container") return;
  for (const name of ["default", "defaultRequest"] as const)
    if (Object.keys(element[name]).length > 0)
      findings.add("forbidden", [...path, name], `only for type Container, not ${element.type}`);
  const isUnbounded = element.min["storage"] === undefined && element.max["storage"] === undefined;
  if (element.type === "PersistentVolumeClaim" && isUnbounded)
    findings.add("required", [...path, "max"], "type PersistentVolumeClaim needs min or max of storage");
}
