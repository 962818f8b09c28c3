import type { NodeReports } from "../sessions/node-reports.js";
import type { Controller } from "./controller.js";
import { deployment } from "./deployment/deployment.js";
import { replicaSet } from "./replica-set.js";

/** What some controllers know beside the view. Fixed while a replica leads. */
export interface ControllerParts {
  readonly reports: NodeReports;
  /** When this replica began to lead, by the monotonic clock: nodes get a full period from then. */
  readonly leadingSinceMs: number;
  /** Addresses of all pods, such as 10.128.0.0/9. */
  readonly podCIDR: string;
  /** Prefix length of a node's share of podCIDR. */
  readonly nodePrefixLength: number;
}

/** Every controller there is; the leader runs them all. A new controller is one file and one line here. */
export function controllers(_parts: ControllerParts): readonly Controller[] {
  return [deployment, replicaSet];
}
