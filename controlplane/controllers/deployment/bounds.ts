import type { DeploymentSpec } from "../../../proto/gen/tallship/v1/deployment.js";
import type { IntOrString } from "../../../proto/gen/tallship/v1/meta.js";
import { shareOf } from "../share.js";

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
  const surge = Math.ceil(shareOf(maxSurge, replicas));
  const unavailable = Math.min(replicas, Math.floor(shareOf(maxUnavailable, replicas)));
  return { replicas, surge, unavailable: surge === 0 && unavailable === 0 ? 1 : unavailable };
}
