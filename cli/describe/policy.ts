import { selectorText } from "../../kinds/selector-text.js";
import type { LimitRange, LimitRangeItem } from "../../proto/gen/tallship/v1/limitrange.js";
import type { IntOrString } from "../../proto/gen/tallship/v1/meta.js";
import type { Namespace } from "../../proto/gen/tallship/v1/namespace.js";
import type { PodDisruptionBudget } from "../../proto/gen/tallship/v1/poddisruptionbudget.js";
import type { ResourceQuota } from "../../proto/gen/tallship/v1/resourcequota.js";
import { formatTable } from "../table.js";
import { conditionsTable, headOf, type Surroundings, withEvents } from "./facts.js";
import { Page } from "./page.js";

/** What a scope of a quota means, in kubectl's words. */
const SCOPES: Readonly<Record<string, string>> = {
  Terminating:
    "Matches all pods that have an active deadline. These pods have a limited lifespan on a node before being actively terminated by the system.",
  NotTerminating:
    "Matches all pods that do not have an active deadline. These pods usually include long running pods whose container command is not expected to terminate.",
  BestEffort:
    "Matches all pods that do not have resource requirements set. These pods have a best effort quality of service.",
  NotBestEffort:
    "Matches all pods that have at least one resource requirement set. These pods have a burstable or guaranteed quality of service.",
};

/** A quota: what is used of each bound. */
export function describeQuota(quota: ResourceQuota, around: Surroundings): Page {
  const page = headOf(quota.metadata, around.nowMs);
  const { scopes = [], scopeSelector } = quota.spec ?? {};
  if (scopes.length > 0) page.fact("Scopes", scopes.join(", "));
  for (const scope of scopes) if (SCOPES[scope] !== undefined) page.text(` * ${SCOPES[scope]}\n`);
  const selected = (scopeSelector?.matchExpressions ?? []).map(({ scopeName, operator, values }) =>
    [scopeName, operator, ...(values.length === 0 ? [] : [`[${values.join(", ")}]`])].join(" "),
  );
  if (selected.length > 0) page.fact("Scope Selector", selected);
  return page.text(quotaTable(quota, ""));
}

/** A limit range: what a container, pod or claim may ask for, and what it gets when it asks for nothing. */
export function describeLimitRange(range: LimitRange, around: Surroundings): Page {
  return headOf(range.metadata, around.nowMs).text(limitsTable([range], ""));
}

/** A namespace, and what bounds its objects. */
export function describeNamespace(
  namespace: Namespace,
  { quotas, ranges }: { readonly quotas: readonly ResourceQuota[]; readonly ranges: readonly LimitRange[] },
  around: Surroundings,
): Page {
  const { metadata, status } = namespace;
  const page = headOf(metadata, around.nowMs);
  page.fact("Status", status?.phase || "Active");
  if ((status?.conditions.length ?? 0) > 0) conditionsTable(page, status?.conditions ?? [], around.nowMs);
  if (quotas.length === 0) page.text("\nNo resource quota.\n");
  else page.text("\nResource Quotas\n");
  for (const quota of quotas) {
    const own = new Page().fact("Name", quota.metadata?.name ?? "");
    page.text(`${own.indented("  ")}${quotaTable(quota, "  ")}`);
  }
  page.text(ranges.length === 0 ? "\nNo LimitRange resource.\n" : `\nResource Limits\n${limitsTable(ranges, "  ")}`);
  return page;
}

/** A disruption budget: how many pods may be evicted now, and why not more. */
export function describeBudget(budget: PodDisruptionBudget, around: Surroundings): Page {
  const { metadata, spec, status } = budget;
  const page = headOf(metadata, around.nowMs);
  if (spec?.minAvailable !== undefined) page.fact("Min available", countText(spec.minAvailable));
  if (spec?.maxUnavailable !== undefined) page.fact("Max unavailable", countText(spec.maxUnavailable));
  page.fact("Selector", spec?.selector === undefined ? "<unset>" : selectorText(spec.selector));
  page.factIf("Unhealthy Pods", spec?.unhealthyPodEvictionPolicy);
  const counts = new Page();
  counts.fact("Allowed disruptions", String(status?.disruptionsAllowed ?? 0));
  counts.fact("Current", String(status?.currentHealthy ?? 0));
  counts.fact("Desired", String(status?.desiredHealthy ?? 0));
  counts.fact("Total", String(status?.expectedPods ?? 0));
  page.section("Status", counts);
  conditionsTable(page, status?.conditions ?? [], around.nowMs);
  return withEvents(page, around);
}

function countText({ value }: IntOrString): string {
  return String(value?.value ?? "");
}

function quotaTable({ spec, status }: ResourceQuota, indent: string): string {
  const rows = Object.entries(spec?.hard ?? {})
    .map(([name, hard]) => [name, status?.used[name] ?? "0", hard])
    .sort();
  return headed(["Resource", "Used", "Hard"], rows, indent);
}

function limitsTable(ranges: readonly LimitRange[], indent: string): string {
  const headings = ["Type", "Resource", "Min", "Max", "Default Request", "Default Limit", "Max Limit/Request Ratio"];
  const rows = ranges.flatMap(({ spec }) => spec?.limits ?? []).flatMap(limitRows);
  return headed(headings, rows, indent);
}

function limitRows(limit: LimitRangeItem): readonly (readonly string[])[] {
  const columns = [limit.min, limit.max, limit.defaultRequest, limit.default, limit.maxLimitRequestRatio];
  const names = [...new Set(columns.flatMap((column) => Object.keys(column)))].sort();
  return names.map((name) => [limit.type, name, ...columns.map((column) => column[name] ?? "-")]);
}

/** A table with a rule below its headings. */
function headed(headings: readonly string[], rows: readonly (readonly string[])[], indent: string): string {
  return formatTable([headings, headings.map((heading) => "-".repeat(heading.length)), ...rows], indent);
}
