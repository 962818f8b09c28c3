import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { ageText } from "../age.js";
import { podSummary } from "../pod-summary.js";
import { type Column, NONE, orNone } from "./column.js";

/** READY, STATUS and RESTARTS as kubectl computes them, and where the pod is. */
export const podColumns: readonly Column<Pod>[] = [
  { name: "READY", cell: (pod) => `${podSummary(pod).readyCount}/${podSummary(pod).containerCount}` },
  { name: "STATUS", cell: (pod) => podSummary(pod).status },
  { name: "RESTARTS", cell: restarts },
  { name: "IP", isWide: true, cell: ({ status }) => orNone(status?.podIP) },
  { name: "NODE", isWide: true, cell: ({ spec }) => orNone(spec?.nodeName) },
  { name: "NOMINATED NODE", isWide: true, cell: ({ status }) => orNone(status?.nominatedNodeName) },
  { name: "READINESS GATES", isWide: true, cell: readinessGates },
];

function restarts(pod: Pod, nowMs: number): string {
  const { restartCount, lastRestartAt } = podSummary(pod);
  return restartCount === 0 || lastRestartAt === ""
    ? String(restartCount)
    : `${restartCount} (${ageText(lastRestartAt, nowMs)} ago)`;
}

function readinessGates({ spec, status }: Pod): string {
  const gates = spec?.readinessGates ?? [];
  if (gates.length === 0) return NONE;
  const passed = gates.filter(({ conditionType }) =>
    status?.conditions.some(({ type, status: holds }) => type === conditionType && holds === "True"),
  );
  return `${passed.length}/${gates.length}`;
}
