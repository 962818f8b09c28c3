import type { Peer } from "./peers.js";
import type { Shape } from "./shape.js";

/** What counts of a pod on a node when another asks for its room. The namespace and all labels are among it: they say which budgets protect it. */
export interface Tenure extends Pick<Peer, "namespace" | "labels"> {
  readonly priority: number;
  /** When it started, RFC 3339; empty: it has not yet. */
  readonly startedAt: string;
  /** It is on its way out, so that its room is as good as free to whoever may have it. */
  readonly isEnding: boolean;
  /** It does not run here yet: others make room for it, and until then the room is kept. */
  readonly isReserved: boolean;
  /** Names of the devices that it has, or will have; absent: it asks for none, or nobody has written down which. */
  readonly devices?: readonly string[] | undefined;
}

/** A pod that takes room on a node. */
export interface Tenant {
  readonly id: string;
  readonly shape: Shape;
  readonly tenure: Tenure;
}

/** A pod of which nothing is known but its shape. */
export const PLAIN_TENURE: Tenure = {
  namespace: "",
  labels: {},
  priority: 0,
  startedAt: "",
  isEnding: false,
  isReserved: false,
};

/** True when nobody who asks for room could tell the two apart. */
export function isSameTenure(left: Tenure, right: Tenure): boolean {
  return (
    left === right ||
    (left.priority === right.priority &&
      left.startedAt === right.startedAt &&
      left.isEnding === right.isEnding &&
      left.isReserved === right.isReserved &&
      left.namespace === right.namespace &&
      left.labels === right.labels &&
      left.devices?.join() === right.devices?.join())
  );
}

/** Order of importance, as in Kubernetes: the higher priority, of equals the longer-running, of equals the lower id. */
export function byImportance(left: Tenant, right: Tenant): number {
  if (left.tenure.priority !== right.tenure.priority) return right.tenure.priority - left.tenure.priority;
  const [since, other] = [startOf(left), startOf(right)];
  if (since !== other) return since < other ? -1 : 1;
  return left.id < right.id ? -1 : 1;
}

/** When the pod started, such that texts compare; what has not started comes after all that has. */
export function startOf({ tenure }: Tenant): string {
  return tenure.startedAt === "" ? "~" : tenure.startedAt;
}
