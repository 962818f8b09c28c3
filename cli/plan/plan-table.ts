import { isKindName } from "../../kinds/registry.js";
import type { ObjectName } from "../../proto/gen/tallship/v1/api.js";
import type { PlannedPod, PlanResponse } from "../../proto/gen/tallship/v1/explain.js";
import { formatTable } from "../table.js";
import { refText } from "../targets.js";

/** The table of a plan: a line for each object and node, or for each pod. */
export function planTable(pods: readonly PlannedPod[], isWide: boolean): string {
  if (pods.length === 0) return "";
  if (isWide) {
    const rows = pods.map((pod) => [ownerText(pod.owner), pod.name, nodeText(pod), noteText(pod)]);
    return formatTable([["OBJECT", "POD", "NODE", "NOTE"], ...rows]);
  }
  const groups = new Map<string, { readonly row: readonly [string, string, string]; count: number }>();
  for (const pod of pods) {
    const row = [ownerText(pod.owner), nodeText(pod), noteText(pod)] as const;
    const group = groups.get(row.join("\n")) ?? { row, count: 0 };
    group.count += 1;
    groups.set(row.join("\n"), group);
  }
  const rows = [...groups.values()].map(({ row: [owner, node, note], count }) => [owner, `${count}`, node, note]);
  return formatTable([["OBJECT", "PODS", "NODE", "NOTE"], ...rows]);
}

/** The last line of a plan. */
export function planSum({ pods, othersWaiting }: Pick<PlanResponse, "pods" | "othersWaiting">): string {
  const unfit = pods.filter(isUnfit).length;
  const others =
    othersWaiting === 0 ? "" : `; ${countText(othersWaiting)} of others ${othersWaiting === 1 ? "waits" : "wait"} too`;
  const fit = unfit === 0 ? "" : `, ${pods.length - unfit} would run, ${unfit} would not`;
  return `${countText(pods.length)} planned${fit}${others}; nothing was written`;
}

/** True when a pod would find no node. */
export function isUnfit({ node }: PlannedPod): boolean {
  return node === "";
}

/** An object of the set. */
export function ownerText(owner: ObjectName | undefined): string {
  if (owner === undefined) return "";
  return isKindName(owner.kind) ? refText(owner.kind, owner.name) : `${owner.kind}/${owner.name}`;
}

function nodeText({ node }: PlannedPod): string {
  return node === "" ? "<none>" : node;
}

function noteText({ refusal, victims }: PlannedPod): string {
  if (victims.length === 0) return refusal;
  const names = victims.map(({ namespace, name, priority }) => `${namespace}/${name} (priority ${priority})`);
  return `${refusal === "" ? "" : `${refusal}, even `}after preempting ${names.join(", ")}`;
}

function countText(count: number): string {
  return count === 1 ? "1 pod" : `${count} pods`;
}
