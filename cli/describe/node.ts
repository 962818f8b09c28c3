import { ageText } from "../../kinds/age.js";
import { nodeRoles, nodeStatus } from "../../kinds/columns/node.js";
import { isPodFinished } from "../../kinds/pod-state.js";
import { cpuMillicores, formatBytes, formatMillicores, parseQuantity, quantityBytes } from "../../lib/quantity.js";
import type { Node } from "../../proto/gen/tallship/v1/node.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { conditionsTable, headOf, type Surroundings, withEvents } from "./facts.js";
import { Page } from "./page.js";

/** A node: its state, its means, and the pods that have reserved them. */
export function describeNode(node: Node, pods: readonly Pod[], around: Surroundings): Page {
  const { spec, status } = node;
  const page = headOf(node.metadata, around.nowMs);
  page.fact("Status", nodeStatus(node)).fact("Roles", nodeRoles(node));
  page.fact(
    "Taints",
    (spec?.taints ?? []).map(({ key, value, effect }) => `${key}${value === "" ? "" : `=${value}`}:${effect}`),
  );
  page.fact("Unschedulable", spec?.unschedulable === true ? "true" : "false");
  conditionsTable(page, status?.conditions ?? [], around.nowMs);
  page.fact(
    "Addresses",
    (status?.addresses ?? []).map(({ type, address }) => `${type}: ${address}`),
  );
  page.section("Capacity", resourcesPage(status?.capacity ?? {}));
  page.section("Allocatable", resourcesPage(status?.allocatable ?? {}));
  page.section("System", systemPage(node));
  page.fact("Pod CIDRs", spec?.podCIDRs.join(", ") || (spec?.podCIDR ?? ""));
  const live = pods.filter((pod) => !isPodFinished(pod));
  page.table(
    "Pods",
    ["Namespace", "Name", "CPU Requests", "CPU Limits", "Memory Requests", "Memory Limits", "Age"],
    live.map((pod) => podRow(pod, around.nowMs)),
  );
  page.table("Reserved", ["Resource", "Requests", "Limits"], reservedRows(node, live));
  return withEvents(page, around);
}

function resourcesPage(resources: Readonly<Record<string, string>>): Page {
  const page = new Page();
  for (const [name, amount] of Object.entries(resources).sort()) page.fact(name, amount);
  return page;
}

function systemPage({ status }: Node): Page {
  const info = status?.nodeInfo;
  return new Page()
    .fact("Machine ID", info?.machineID ?? "")
    .fact("Boot ID", info?.bootID ?? "")
    .fact("Kernel", info?.kernelVersion ?? "")
    .fact("OS", info?.osImage ?? "")
    .fact("Architecture", info?.architecture ?? "")
    .fact("Container Runtime", info?.containerRuntimeVersion ?? "")
    .fact("Agent", info?.kubeletVersion ?? "");
}

type Part = "requests" | "limits";

function podRow(pod: Pod, nowMs: number): readonly string[] {
  const { namespace = "", name = "", creationTimestamp = "" } = pod.metadata ?? {};
  return [
    namespace,
    name,
    formatMillicores(cpuOf(pod, "requests")),
    formatMillicores(cpuOf(pod, "limits")),
    formatBytes(memoryOf(pod, "requests")),
    formatBytes(memoryOf(pod, "limits")),
    ageText(creationTimestamp, nowMs),
  ];
}

function reservedRows({ status }: Node, pods: readonly Pod[]): readonly (readonly string[])[] {
  const cpu = cpuMillicores(status?.allocatable["cpu"] ?? "0");
  const memory = quantityBytes(status?.allocatable["memory"] ?? "0");
  const total = (of: (pod: Pod, part: Part) => number, part: Part): number =>
    pods.reduce((sum, pod) => sum + of(pod, part), 0);
  const share = (amount: number, whole: number): string =>
    whole === 0 ? "" : ` (${Math.round((amount / whole) * 100)}%)`;
  const cell = (
    of: (pod: Pod, part: Part) => number,
    part: Part,
    whole: number,
    format: (amount: number) => string,
  ): string => `${format(total(of, part))}${share(total(of, part), whole)}`;
  return [
    ["cpu", cell(cpuOf, "requests", cpu, formatMillicores), cell(cpuOf, "limits", cpu, formatMillicores)],
    ["memory", cell(memoryOf, "requests", memory, formatBytes), cell(memoryOf, "limits", memory, formatBytes)],
  ];
}

function cpuOf(pod: Pod, part: Part): number {
  return sumOf(pod, part, "cpu", cpuMillicores);
}

function memoryOf(pod: Pod, part: Part): number {
  return sumOf(pod, part, "memory", quantityBytes);
}

function sumOf({ spec }: Pod, part: Part, resource: string, read: (text: string) => number): number {
  return (spec?.containers ?? []).reduce((sum, { resources }) => {
    const text = resources?.[part][resource];
    return text === undefined || parseQuantity(text) === undefined ? sum : sum + read(text);
  }, 0);
}
