import type { Clock } from "../lib/clock.js";
import type { Log } from "../lib/log.js";
import type { Rng } from "../lib/rng.js";
import type { Dialer } from "../lib/transport/service.js";
import type { NodeIngressOptions } from "../net/ingress/node-ingress.js";
import type { NodeNetwork, NodeNetworkConfig } from "../net/node-network.js";
import type { ClusterConfig } from "../proto/gen/tallship/v1/session.js";
import type { NodeTraits } from "./assemble.js";
import type { Checkpoint } from "./checkpoint/checkpoint.js";
import type { PerformCheck } from "./checks/check.js";
import type { DeviceEdges } from "./devices/node-devices.js";
import type { ImageRoots } from "./execute.js";
import type { HostFacts, HostUsage } from "./host/host-facts.js";
import type { BuildLink } from "./image/build/image-builder.js";
import type { FabricSession } from "./image/fabric/fabric.js";
import type { Images, RootFsDriver } from "./image/images.js";
import type { InUse } from "./image/unused-images.js";
import type { ContainerLogs } from "./logs/container-logs.js";
import type { NodeMemory } from "./node-memory.js";
import type { PodLoop } from "./pod-loop.js";
import type { FetchPage } from "./pod-metrics/pod-metrics.js";
import type { PodTurn } from "./pod-turn.js";
import type { FitNode } from "./pressure/keep-fit.js";
import type { Runtime } from "./runtime/runtime.js";
import type { MovedControlPlanes } from "./session/moved-control-planes.js";
import type { ImageStreams, PodStreams } from "./session/operator-streams.js";
import type { ProbeEdges } from "./session/probe-peers.js";
import type { PodNamespaces, UserEdges } from "./userns/pod-namespaces.js";
import type { PodDisk } from "./volume/pod-disk.js";

/** Everything outside of the agent's own decisions; main.ts passes the real ones, the simulator its own. */
export interface AgentEdges {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Log;
  /** Calls once whatever else waits for this process has been heard; absent where no time passes while it works. */
  readonly nextTurn?: (call: () => void) => void;
  readonly dialer: Dialer;
  readonly controlPlaneAddresses: readonly string[];
  /** Hears of control planes that are somewhere else now; absent: never. */
  readonly moved?: MovedControlPlanes;
  readonly cluster: ClusterConfig;
  readonly runtime: Runtime;
  readonly images: Images;
  readonly rootfs: RootFsDriver;
  readonly imageRoots: ImageRoots;
  readonly perform: PerformCheck;
  readonly disk: PodDisk;
  readonly devices: DeviceEdges;
  readonly users: UserEdges;
  readonly checkpoint: Checkpoint;
  readonly memory: NodeMemory;
  readonly logs: ContainerLogs;
  readonly network: (config: NodeNetworkConfig) => NodeNetwork;
  readonly ingress: Pick<NodeIngressOptions, "proxy" | "site">;
  /** How peers are probed; absent: they are not. */
  readonly probe?: ProbeEdges;
  readonly streams: (loop: PodLoop, idsOf: PodNamespaces["idsOf"]) => PodStreams;
  readonly imageStreams: (inUse: () => InUse, openLink: (() => Promise<BuildLink>) | undefined) => ImageStreams;
  /** Drops unused images while the disk is too full, until the signal aborts. */
  readonly collectImages?: (inUse: () => InUse, signal: AbortSignal) => Promise<void>;
  /** Evicts pods before the host runs out of something, until the signal aborts. */
  readonly keepFit?: (node: FitNode, signal: AbortSignal) => Promise<void>;
  /** Content between nodes; absent: all of it comes from registries. */
  readonly fabric?: FabricSession | undefined;
  readonly facts: HostFacts;
  readonly usage: HostUsage;
  readonly fetchPage: FetchPage;
  readonly traits: NodeTraits;
  readonly hostResolvConf: string;
  readonly observe: AgentObserver;
}

/** Told of what the agent does; for metrics. */
export interface AgentObserver {
  turn(turn: PodTurn): void;
  /** An action failed and is tried again. */
  failed(action: string, code: string): void;
  /** A run after a container's first was made. */
  restarted(): void;
  forgotten(uid: string): void;
}
