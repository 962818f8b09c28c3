import type { NodeConditionReport } from "../../proto/gen/tallship/v1/session.js";
import type { Shortage } from "./judge.js";
import { amountText, PRESSURES, type PressureCondition, SIGNALS } from "./thresholds.js";

/** The reasons that a node gives, by condition, when it holds and when it does not. */
export const PRESSURE_REASONS = {
  DiskPressure: { holds: "AgentHasDiskPressure", isFine: "AgentHasNoDiskPressure" },
  MemoryPressure: { holds: "AgentHasInsufficientMemory", isFine: "AgentHasSufficientMemory" },
  PIDPressure: { holds: "AgentHasInsufficientPID", isFine: "AgentHasSufficientPID" },
} as const satisfies Readonly<Record<PressureCondition, { holds: string; isFine: string }>>;

/**
 * What the node says of its pressure. A condition keeps its message while its status lasts: what is written changes with what is the case, not
 * with every look. The very same list when nothing changed.
 */
export function pressureReports(
  conditions: ReadonlyMap<PressureCondition, Shortage | undefined>,
  told: readonly NodeConditionReport[],
): readonly NodeConditionReport[] {
  const reports = PRESSURES.map((type): NodeConditionReport => {
    const status = conditions.has(type) ? "True" : "False";
    const before = told.find((report) => report.type === type);
    if (before?.status === status) return before;
    const { holds, isFine } = PRESSURE_REASONS[type];
    const shortage = conditions.get(type);
    if (status === "False" || shortage === undefined) return { type, status, reason: isFine, message: "" };
    return { type, status, reason: holds, message: shortageText(shortage) };
  });
  return reports.every((report, at) => report === told[at]) ? told : reports;
}

function shortageText({ threshold: { signal, least }, stock }: Shortage): string {
  const { resource } = SIGNALS[signal];
  const [left, wanted] = [stock.available, least.of(stock.capacity)].map((amount) => amountText(resource, amount));
  return `${signal} is ${left}, less than ${wanted}`;
}
