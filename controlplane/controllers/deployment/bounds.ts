import type { DeploymentSpec } from "../../../proto/gen/tallship/v1/deployment.js";
import type { IntOrString } from "../../../proto/gen/tallship/v1/meta.js";

/** How far a roll-out may leave the number of pods wanted. */
export interface Bounds {
  readonly replicas: number;
  /** Pods that may be surplus. */
  readonly surge: number;
  /** Pods that may be missing. */
  readonly unavailable: number;
}

const quarter: IntOrString = { value: { $case: "strVal", value: "25%" } };

/** The bounds that a deployment sets: surge rounded up, unavailable rounded down, never both zero. Recreate may miss all and has no surplus. */
export function boundsOf(spec: DeploymentSpec | undefined): Bounds {
  const replicas = spec?.replicas ?? 1;
  if (spec?.strategy?.type === "Recreate") return { replicas, surge: 0, unavailable: replicas };
  const { maxSurge = quarter, maxUnavailable = quarter } = spec?.strategy?.rollingUpdate ?? {};
  const surge = Math.ceil(resolve(maxSurge, replicas));
  const unavailable = Math.min(replicas, Math.floor(resolve(maxUnavailable, replicas)));
  return { replicas, surge, unavailable: surge === 0 && unavailable === 0 ? 1 : unavailable };
}

function resolve({ value }: IntOrString, total: number): number {
  if (value === undefined) return 0;
  if (value.$case === "intVal") return value.value;
  // Multiplied first: 0.07 × 100 is a little more than 7.
  return (Number.parseInt(value.value, 10) * total) / 100;
}
