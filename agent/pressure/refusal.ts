import { isPodActive } from "../../kinds/pod-state.js";
import { qosClassOf } from "../../kinds/qos-class.js";
import { tolerates } from "../../kinds/tolerates.js";
import { Taint } from "../../proto/gen/tallship/v1/node.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import type { NodeConditionReport } from "../../proto/gen/tallship/v1/session.js";
import type { PodFailure } from "../pod-record.js";
import { isCritical } from "./rank.js";
import { PRESSURES, type PressureCondition } from "./thresholds.js";

/** What the scheduler keeps pods away by that ask for nothing; one that says that it bears this comes all the same. */
const MEMORY_PRESSURE = Taint.fromPartial({ key: "node.kubernetes.io/memory-pressure", effect: "NoSchedule" });

/**
 * Why a node does not begin with a pod that was bound to it: it lacks something that the scheduler did not know of. As in Kubernetes: without
 * memory only pods that ask for none are refused, without room on the disk or process ids all; never those that the cluster cannot do without, and
 * none that has begun. Pure.
 */
export function refusalUnderPressure(pod: Pod, conditions: readonly NodeConditionReport[]): PodFailure | undefined {
  const held = PRESSURES.filter((type) => conditions.some((one) => one.type === type && one.status === "True"));
  if (held.length === 0 || !isPodActive(pod) || pod.status?.phase === "Running" || isCritical(pod)) return undefined;
  if (held.every((type) => type === "MemoryPressure") && bearsMemoryPressure(pod)) return undefined;
  return { reason: "Evicted", message: refusalMessage(held) };
}

function bearsMemoryPressure({ spec }: Pod): boolean {
  if (qosClassOf(spec) !== "BestEffort") return true;
  return (spec?.tolerations ?? []).some((toleration) => tolerates(toleration, MEMORY_PRESSURE));
}

function refusalMessage(held: readonly PressureCondition[]): string {
  return `Pod was rejected: The node had condition: [${held.join(" ")}]. `;
}
