import { ClusterConfig } from "../proto/gen/tallship/v1/session.js";
import { readFileIfPresent, writeFileAtomic } from "./atomic-file.js";
import { TallshipError } from "./errors.js";
import type { HostPaths } from "./host-paths.js";
import { DEFAULTS } from "./limits.js";

/** TCP ports of a host's daemons. */
export interface HostPorts {
  readonly api: number;
  readonly join: number;
  readonly web: number;
  readonly node: number;
  /** UDP too. */
  readonly probe: number;
  readonly etcdClient: number;
  readonly etcdPeer: number;
}

/** An etcd that others run; undefined: the control plane runs its own member. */
export interface OutsideEtcd {
  /** URLs or host:port, separated by commas. */
  readonly endpoints: string;
  /** Paths of PEM files; undefined for plain http on loopback. */
  readonly tls: { readonly ca: string; readonly certificate: string; readonly key: string } | undefined;
}

/** When a host evicts pods, in the words of the options of Kubernetes' agent. */
export interface HostEviction {
  /** Such as memory.available<100Mi,nodefs.available<10%. */
  readonly hard: string;
  readonly soft: string;
  /** Such as memory.available=1m30s; every soft threshold needs one. */
  readonly softGrace: string;
  /** Such as nodefs.available=1Gi. */
  readonly minimumReclaim: string;
  /** Longest grace of a pod that is evicted at a soft threshold, seconds. */
  readonly maxPodGraceSeconds: number;
  /** How long a condition stays after it was last met, such as 5m. */
  readonly transition: string;
}

/** As Kubernetes' defaults; process ids too, since every host has a bound on them. */
export const DEFAULT_EVICTION: HostEviction = {
  hard: "memory.available<100Mi,nodefs.available<10%,nodefs.inodesFree<5%,imagefs.available<15%,imagefs.inodesFree<5%,pid.available<10%",
  soft: "",
  softGrace: "",
  minimumReclaim: "",
  maxPodGraceSeconds: 0,
  transition: "5m",
};

/** What a host knows of itself; written by init and join, read by its daemons. */
export interface HostConfig {
  /** Name of the node, and of the replica when there is one. */
  readonly name: string;
  /** IP address that other hosts reach this one at. */
  readonly advertiseAddress: string;
  readonly isControlPlane: boolean;
  readonly ports: HostPorts;
  readonly outsideEtcd?: OutsideEtcd | undefined;
  /** When it evicts pods; what is absent is as in DEFAULT_EVICTION. */
  readonly eviction?: Partial<HostEviction> | undefined;
}

/** Ports when nothing else was asked for. */
export const DEFAULT_PORTS: HostPorts = {
  api: DEFAULTS.apiPort,
  join: DEFAULTS.joinPort,
  web: DEFAULTS.webPort,
  node: DEFAULTS.nodePort,
  probe: DEFAULTS.probePort,
  etcdClient: DEFAULTS.etcdClientPort,
  etcdPeer: DEFAULTS.etcdPeerPort,
};

/** The host's configuration; undefined when the host is in no cluster. */
export async function readHostConfig(paths: HostPaths): Promise<HostConfig | undefined> {
  const parsed = await readJson(paths.host);
  if (parsed === undefined) return undefined;
  // Only writeHostConfig writes this file; what is missing from it is seen here.
  const config = parsed as Partial<HostConfig>;
  if (typeof config.name !== "string" || typeof config.advertiseAddress !== "string")
    throw new TallshipError("failed_precondition", `read ${paths.host}: name or advertiseAddress is missing`);
  return {
    name: config.name,
    advertiseAddress: config.advertiseAddress,
    isControlPlane: config.isControlPlane === true,
    ports: { ...DEFAULT_PORTS, ...config.ports },
    outsideEtcd: config.outsideEtcd,
    eviction: config.eviction,
  };
}

/** What every host knows of the cluster; undefined when the host is in none. */
export async function readClusterConfig(paths: HostPaths): Promise<ClusterConfig | undefined> {
  const parsed = await readJson(paths.cluster);
  // fromPartial takes what it knows; only writeClusterConfig writes this file.
  return parsed === undefined ? undefined : ClusterConfig.fromPartial(parsed as Partial<ClusterConfig>);
}

/** Replaces the host's configuration. */
export function writeHostConfig(paths: HostPaths, config: HostConfig): Promise<void> {
  return writeFileAtomic(paths.host, `${JSON.stringify(config, null, 2)}\n`, 0o644);
}

/** Replaces what the host knows of the cluster. */
export function writeClusterConfig(paths: HostPaths, config: ClusterConfig): Promise<void> {
  return writeFileAtomic(paths.cluster, `${JSON.stringify(config, null, 2)}\n`, 0o644);
}

async function readJson(path: string): Promise<unknown> {
  const bytes = await readFileIfPresent(path);
  if (bytes === undefined) return undefined;
  try {
    return JSON.parse(bytes.toString());
  } catch (cause) {
    throw new TallshipError("failed_precondition", `read ${path}: it is no JSON`, { cause });
  }
}
