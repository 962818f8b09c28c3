import { rfc3339 } from "../../../lib/clock.js";
import type { Node, Taint } from "../../../proto/gen/tallship/v1/node.js";

/** The node does not speak. As in Kubernetes. */
export const UNREACHABLE = "node.kubernetes.io/unreachable";
/** The node speaks and says it is not ready. As in Kubernetes. */
export const NOT_READY = "node.kubernetes.io/not-ready";

/** What the node lacks, by the condition that says so: new pods stay away. As in Kubernetes. */
export const PRESSURE_TAINTS = {
  DiskPressure: "node.kubernetes.io/disk-pressure",
  MemoryPressure: "node.kubernetes.io/memory-pressure",
  PIDPressure: "node.kubernetes.io/pid-pressure",
} as const;

/** Keeps new pods away, or also drives those away that are there. */
export type Effect = "NoSchedule" | "NoExecute";

/** True when the node carries the taint, with this effect or with any. */
export function isTainted(node: Node, key: string, effect?: Effect): boolean {
  const taints = node.spec?.taints ?? [];
  return taints.some((taint) => taint.key === key && (effect === undefined || taint.effect === effect));
}

/** The taints with exactly these effects of the key. Those that stay keep their time; when nothing changes, the very same list. */
export function withTaint(
  taints: readonly Taint[],
  key: string,
  effects: readonly Effect[],
  nowMs: number,
): readonly Taint[] {
  const kept = taints.filter((taint) => taint.key !== key || effects.some((effect) => effect === taint.effect));
  const added = effects
    .filter((effect) => !taints.some((taint) => taint.key === key && taint.effect === effect))
    .map((effect): Taint => ({ key, value: "", effect, timeAdded: rfc3339(nowMs) }));
  return kept.length === taints.length && added.length === 0 ? taints : [...kept, ...added];
}
