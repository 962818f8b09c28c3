/** Parts of a node's network that are programmed on their own. */
export type NetworkPart = "overlay" | "pods" | "rules" | "policies";

/** Where the network reports what it does; the agent's metrics implement it. Calls are cheap and never fail. */
export interface NetworkMetrics {
  /** The kernel holds a change; time from the request, in milliseconds, waiting included. */
  programmed(part: NetworkPart, tookMs: number): void;
  /** The kernel refused; it is tried again. */
  failed(part: NetworkPart): void;
  /** Somebody else had changed entries that were put back. */
  repaired(part: NetworkPart, entryCount: number): void;
  /** How much there is now. */
  holds(part: NetworkPart, entryCount: number): void;
}

/** Reports to nobody. */
export const noNetworkMetrics: NetworkMetrics = {
  programmed: () => undefined,
  failed: () => undefined,
  repaired: () => undefined,
  holds: () => undefined,
};
