import { ageText } from "../../kinds/age.js";
import { nodeRoles, nodeStatus } from "../../kinds/columns/node.js";
import { devicesOf, deviceText } from "../../kinds/devices.js";
import { isPodFinished } from "../../kinds/pod-state.js";
import type { Node, NodeDevice } from "../../proto/gen/tallship/v1/node.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { conditionsTable, headOf, type Surroundings, withEvents } from "./facts.js";
import { Page } from "./page.js";
import { amountOf, amountText, reservedRows } from "./reserved.js";

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
  devicesTable(page, status?.devices ?? [], live);
  page.table("Reserved", ["Resource", "Requests", "Limits"], reservedRows(node, live));
  return withEvents(page, around);
}

/** Devices that the node tells apart, and who has them. Shares of one are the scheduler's to choose, so that holders stand on their pods. */
function devicesTable(page: Page, devices: readonly NodeDevice[], pods: readonly Pod[]): void {
  if (devices.length === 0) return;
  const holders = (name: string): readonly string[] =>
    pods.flatMap(({ metadata }) => {
      const held = devicesOf(metadata?.annotations ?? {}).map(deviceText);
      return held.includes(name) ? [`${metadata?.namespace}/${metadata?.name}`] : [];
    });
  page.table(
    "Devices",
    ["Name", "Model", "Memory", "Pods"],
    devices.map(({ name, model, memory, aliases }) => [
      name,
      model || "-",
      memory || "-",
      [name, ...aliases].flatMap(holders).sort().join(", ") || "-",
    ]),
  );
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

function podRow(pod: Pod, nowMs: number): readonly string[] {
  const { namespace = "", name = "", creationTimestamp = "" } = pod.metadata ?? {};
  return [
    namespace,
    name,
    ...["cpu", "memory"].flatMap((resource) =>
      (["requests", "limits"] as const).map((part) => amountText(resource, amountOf(pod, part, resource))),
    ),
    ageText(creationTimestamp, nowMs),
  ];
}
