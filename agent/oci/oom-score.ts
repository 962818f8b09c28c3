import { quantityBytes } from "../../lib/quantity.js";
import type { Container } from "../../proto/gen/tallship/v1/container.js";

/** The least score that any container or the agent itself is given. */
export const LEAST_OOM_SCORE = -998;

/** Scores of Kubernetes: who is asked first when the host has no memory left. */
const GUARANTEED = -997;
const BEST_EFFORT = 1000;

/**
 * The kernel's oom_score_adj of a container: a pod without requests goes first, one that gets all it asked for last, the others by how
 * little they reserved. Never below `floor`, the least that the agent may set.
 */
export function oomScoreAdj(
  qosClass: string,
  container: Container,
  host: { memoryBytes: number; floor: number },
): number {
  return Math.max(host.floor, wanted(qosClass, container, host.memoryBytes));
}

/** What a container does not get of the protection that its class promises; undefined when it gets all of it. */
export function oomScoreRefused(
  qosClass: string,
  container: Container,
  host: { memoryBytes: number; floor: number },
): string | undefined {
  const score = wanted(qosClass, container, host.memoryBytes);
  if (score >= host.floor) return undefined;
  return `oom_score_adj ${score} of container ${container.name} is refused by the kernel: it is ${host.floor}`;
}

function wanted(qosClass: string, container: Container, hostBytes: number): number {
  if (qosClass === "Guaranteed") return GUARANTEED;
  if (qosClass === "BestEffort") return BEST_EFFORT;
  const request = container.resources?.requests["memory"] ?? container.resources?.limits["memory"];
  const reserved = request === undefined ? 0 : quantityBytes(request);
  const score = BEST_EFFORT - Math.floor((BEST_EFFORT * reserved) / Math.max(1, hostBytes));
  return Math.min(BEST_EFFORT - 1, Math.max(BEST_EFFORT + GUARANTEED, score));
}
