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

/** What a host knows of itself; written by init and join, read by its daemons. */
export interface HostConfig {
  /** Name of the node, and of the replica when there is one. */
  readonly name: string;
  /** IP address that other hosts reach this one at. */
  readonly advertiseAddress: string;
  readonly isControlPlane: boolean;
  readonly ports: HostPorts;
  readonly outsideEtcd?: OutsideEtcd | undefined;
}

/** Ports when nothing else was asked for. */
export const DEFAULT_PORTS: HostPorts = {
  api: DEFAULTS.apiPort,
  join: DEFAULTS.joinPort,
  web: DEFAULTS.webPort,
  node: DEFAULTS.nodePort,
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

/** An address and a port as one text; IPv6 in brackets. */
export function hostPort(address: string, port: number): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
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
