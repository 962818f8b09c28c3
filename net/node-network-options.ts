import type { Clock } from "../lib/clock.js";
import type { Log } from "../lib/log.js";
import type { Rng } from "../lib/rng.js";
import type { NetworkMetrics } from "./network-metrics.js";
import type { NetworksMemory } from "./networks/networks-memory.js";
import type { NetworkMap } from "./node-network.js";
import type { HealthChecks } from "./proxy/health-checks.js";
import type { Shortcut } from "./shortcut/shortcut.js";
import type { TunnelKeys } from "./tunnels/tunnel-keys.js";

/** Takes the network map to those who answer for names. Must not fail. */
export interface NamePublisher {
  publish(map: NetworkMap): void;
  /** By first address of a pod that is on others than the cluster's own network alone: its networks, by namespace/name, in its order. */
  setAskers(askers: ReadonlyMap<string, readonly string[]>): void;
}

/** What a node's network needs beside its kernel. */
export interface NodeNetworkOptions {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Log;
  /** Tells the process that answers for names; absent in tests and tools. */
  readonly names?: NamePublisher;
  readonly metrics?: NetworkMetrics;
  /** Answers load balancers that ask which nodes have endpoints; absent: nobody does. */
  readonly healthChecks?: HealthChecks;
  /** What the host remembers of networks over a reboot; absent: nothing. */
  readonly networks?: NetworksMemory;
  /** Where keys for encrypted tunnels are kept; absent: the node makes none. */
  readonly keys?: TunnelKeys;
  /** Of connections that stand; absent: their packets go the long way. */
  readonly shortcut?: Shortcut | undefined;
}
