import { tolerates } from "../kinds/tolerates.js";
import type { Taint } from "../proto/gen/tallship/v1/node.js";
import type { Toleration } from "../proto/gen/tallship/v1/placement.js";

/** The first taint of one of the effects that no toleration covers. */
export function findUntolerated(
  taints: readonly Taint[] | undefined,
  tolerations: readonly Toleration[],
  effects: readonly string[],
): Taint | undefined {
  return taints?.find(
    (taint) => effects.includes(taint.effect) && !tolerations.some((toleration) => tolerates(toleration, taint)),
  );
}

/** The taint as users write it: key=value, or key alone. */
export function taintText({ key, value }: Taint): string {
  return value === "" ? key : `${key}=${value}`;
}

/** Equal for lists that tolerate the same, in the same order. */
export function tolerationsKey(tolerations: readonly Toleration[]): string {
  return tolerations.map(({ key, operator, value, effect }) => `${key} ${operator} ${value} ${effect}`).join(",");
}
