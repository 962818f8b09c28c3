import type { Node } from "../../proto/gen/tallship/v1/node.js";
import { conditionOf } from "../pod-state.js";
import { type Column, NONE, orNone, type WithMeta } from "./column.js";

const ROLE_LABEL = "node-role.kubernetes.io/";

/** State, roles and versions. */
export function nodeColumns(age: Column<WithMeta>): readonly Column<Node>[] {
  return [
    { name: "NAME", cell: ({ metadata }) => metadata?.name ?? "" },
    { name: "STATUS", cell: nodeStatus },
    { name: "ROLES", cell: nodeRoles },
    age,
    { name: "VERSION", cell: ({ status }) => orNone(status?.nodeInfo?.kubeletVersion) },
    { name: "INTERNAL-IP", isWide: true, cell: (node) => address(node, "InternalIP") },
    { name: "EXTERNAL-IP", isWide: true, cell: (node) => address(node, "ExternalIP") },
    { name: "OS-IMAGE", isWide: true, cell: ({ status }) => orNone(status?.nodeInfo?.osImage) },
    { name: "KERNEL-VERSION", isWide: true, cell: ({ status }) => orNone(status?.nodeInfo?.kernelVersion) },
    {
      name: "CONTAINER-RUNTIME",
      isWide: true,
      cell: ({ status }) => orNone(status?.nodeInfo?.containerRuntimeVersion),
    },
  ];
}

/** Ready, NotReady or Unknown, and whether new pods are kept away. */
export function nodeStatus({ spec, status }: Node): string {
  const ready = conditionOf(status?.conditions, "Ready");
  const state = ready === undefined ? "Unknown" : ready.status === "True" ? "Ready" : "NotReady";
  return spec?.unschedulable === true ? `${state},SchedulingDisabled` : state;
}

/** The node's roles, from its labels. */
export function nodeRoles({ metadata }: Node): string {
  const roles = Object.keys(metadata?.labels ?? {})
    .filter((key) => key.startsWith(ROLE_LABEL))
    .map((key) => key.slice(ROLE_LABEL.length))
    .sort();
  return roles.length === 0 ? NONE : roles.join(",");
}

function address({ status }: Node, type: string): string {
  return orNone(status?.addresses.find((entry) => entry.type === type)?.address);
}
