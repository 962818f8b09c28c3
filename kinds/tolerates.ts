import type { Taint } from "../proto/gen/tallship/v1/node.js";
import type { Toleration } from "../proto/gen/tallship/v1/placement.js";

/** True when the toleration lets a pod run under the taint. For how long is not asked here. */
export function tolerates({ key, operator, value, effect }: Toleration, taint: Taint): boolean {
  if (effect !== "" && effect !== taint.effect) return false;
  if (key === "") return operator === "Exists";
  return key === taint.key && (operator === "Exists" || value === taint.value);
}
