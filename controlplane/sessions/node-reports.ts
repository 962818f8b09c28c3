import type { NodeStatus } from "../../proto/gen/tallship/v1/node.js";

/** What the leader knows of a node from its session; in memory only. */
export interface NodeReport {
  readonly nodeName: string;
  /** Whether a session is open now. */
  readonly isConnected: boolean;
  /** When the last heartbeat arrived, by the monotonic clock, milliseconds. */
  readonly heardAtMs: number;
  /** Its next heartbeat follows within so many milliseconds. */
  readonly everyMs: number;
  readonly bootID: string;
  /** The host as the node last described it, conditions included. */
  readonly status: NodeStatus;
  /** Labels that the host sets on its own node object. */
  readonly labels: Readonly<Record<string, string>>;
  /** The node's kernel reflects every endpoint change up to this revision. */
  readonly endpointRevisionApplied: number;
}

/** The sessions' reports, for the node controller. Empty on a replica that does not lead. */
export interface NodeReports {
  get(nodeName: string): NodeReport | undefined;
  all(): readonly NodeReport[];
  /** Calls when a node connects, disconnects or describes itself anew; not for plain heartbeats. Returns how to stop. */
  onChange(listener: (nodeName: string) => void): () => void;
}
