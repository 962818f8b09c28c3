import type { Amounts } from "../../scheduler/pod-requests.js";
import type { WaitingPod } from "./backlog.js";

/** A pod that was let in. */
export interface Charge {
  readonly queue: string;
  readonly amounts: Amounts;
  /** As it waited; undefined when it was found with a node. */
  readonly pod: WaitingPod | undefined;
}
