import { hostname } from "node:os";
import { countOption, type OptionSpecs, type OptionValues, portOption } from "../../lib/command-line.js";
import { TallshipError } from "../../lib/errors.js";
import { DEFAULT_PORTS, type HostConfig, type HostPorts } from "../../lib/host-config.js";
import { type HostPaths, hostPaths } from "../../lib/host-paths.js";
import { likelyAddress } from "../../lib/host-routes.js";
import { DEFAULTS } from "../../lib/limits.js";
import { ipBytes } from "../../lib/pki/ip-bytes.js";
import { ClusterConfig } from "../../proto/gen/tallship/v1/session.js";
import { clusterRanges } from "./cluster-ranges.js";
import { EVICTION_OPTIONS, evictionOf } from "./eviction-options.js";

/** Options of every command. */
export const FOLDER_OPTIONS = {
  "config-dir": { type: "string", value: "DIR", help: `certificates and configuration (${DEFAULTS.configDir})` },
  "data-dir": { type: "string", value: "DIR", help: `images, containers, etcd, logs (${DEFAULTS.dataDir})` },
  "run-dir": { type: "string", value: "DIR", help: `sockets and pid files (${DEFAULTS.runDir})` },
} as const satisfies OptionSpecs;

/** Options of the commands that make a host one of a cluster. */
export const HOST_OPTIONS = {
  ...FOLDER_OPTIONS,
  name: { type: "string", value: "NAME", help: "name of the node (the host name)" },
  "advertise-address": { type: "string", value: "IP", help: "address that other hosts reach this one at" },
  "api-port": { type: "string", value: "PORT", help: `API (${DEFAULT_PORTS.api})` },
  "join-port": { type: "string", value: "PORT", help: `join listener (${DEFAULT_PORTS.join})` },
  "web-port": { type: "string", value: "PORT", help: `metrics (${DEFAULT_PORTS.web})` },
  "node-port": { type: "string", value: "PORT", help: `the agent's port (${DEFAULT_PORTS.node})` },
  "probe-port": { type: "string", value: "PORT", help: `peers' probes, TCP and UDP (${DEFAULT_PORTS.probe})` },
  "etcd-client-port": { type: "string", value: "PORT", help: `etcd, clients (${DEFAULT_PORTS.etcdClient})` },
  "etcd-peer-port": { type: "string", value: "PORT", help: `etcd, peers (${DEFAULT_PORTS.etcdPeer})` },
  "etcd-endpoints": { type: "string", value: "URL,…", help: "use this etcd instead of one of our own" },
  "etcd-ca": { type: "string", value: "FILE", help: "authority of the outside etcd, PEM" },
  "etcd-cert": { type: "string", value: "FILE", help: "client certificate for the outside etcd, PEM" },
  "etcd-key": { type: "string", value: "FILE", help: "key of the client certificate, PEM" },
  ...EVICTION_OPTIONS,
} as const satisfies OptionSpecs;

/** Options of `init` alone: what is fixed for the life of a cluster. */
export const CLUSTER_OPTIONS = {
  "pod-cidr": {
    type: "string",
    value: "CIDR[,CIDR]",
    help: `addresses of all pods, of IPv4 and perhaps of IPv6 (${DEFAULTS.podCIDR})`,
  },
  "cluster-cidr": { type: "string", value: "CIDR[,CIDR]", help: "the same, as Kubernetes names it" },
  "node-prefix-length": { type: "string", value: "N", help: `a node's share of them (${DEFAULTS.nodePrefixLength})` },
  "service-cidr": {
    type: "string",
    value: "CIDR[,CIDR]",
    help: `addresses of services, of the same families (${DEFAULTS.serviceCIDR})`,
  },
  "cluster-domain": {
    type: "string",
    value: "NAME",
    help: `domain of the cluster's names (${DEFAULTS.clusterDomain})`,
  },
  "vxlan-port": { type: "string", value: "PORT", help: `UDP port of the overlay (${DEFAULTS.vxlanPort})` },
  vni: { type: "string", value: "N", help: `VXLAN network identifier of the overlay (${DEFAULTS.vni})` },
  "direct-routing": { type: "boolean", help: "hosts on one link route pods' packets to each other without VXLAN" },
  encrypted: { type: "boolean", help: "pods' packets pass between hosts through WireGuard, on every network" },
} as const satisfies OptionSpecs;

/** Where this host's files are. */
export function pathsOf(values: OptionValues<typeof FOLDER_OPTIONS>): HostPaths {
  return hostPaths({
    configDir: values["config-dir"] ?? DEFAULTS.configDir,
    dataDir: values["data-dir"] ?? DEFAULTS.dataDir,
    runDir: values["run-dir"] ?? DEFAULTS.runDir,
  });
}

/** The folder options as they were given, to be passed on to daemons. */
export function folderArguments(values: OptionValues<typeof FOLDER_OPTIONS>): readonly string[] {
  return (["config-dir", "data-dir", "run-dir"] as const).flatMap((option) => {
    const value = values[option];
    return value === undefined ? [] : [`--${option}`, value];
  });
}

/** The host as the options describe it. */
export function hostOf(values: OptionValues<typeof HOST_OPTIONS>, isControlPlane: boolean): HostConfig {
  const advertiseAddress = values["advertise-address"] ?? likelyAddress();
  if (advertiseAddress === undefined)
    throw new TallshipError(
      "invalid_argument",
      "this host has no address that others could reach: give --advertise-address",
    );
  if (ipBytes(advertiseAddress) === undefined)
    throw new TallshipError("invalid_argument", `--advertise-address ${advertiseAddress}: want an IP address`);
  return {
    name: (values.name ?? hostname()).toLowerCase(),
    advertiseAddress,
    isControlPlane,
    ports: portsOf(values),
    outsideEtcd: outsideEtcdOf(values),
    eviction: evictionOf(values),
  };
}

/** The cluster as the options describe it. The resolver's address is the tenth of the services' range. */
export function clusterOf(values: OptionValues<typeof CLUSTER_OPTIONS>, controlPlaneAddress: string): ClusterConfig {
  const ranges = clusterRanges(values);
  const { podCIDR, serviceCIDR } = ranges;
  const podBits = Number(podCIDR.split("/")[1]);
  if (values.encrypted === true && values["direct-routing"] === true)
    throw new TallshipError("invalid_argument", "--encrypted and --direct-routing exclude each other");
  return ClusterConfig.fromPartial({
    ...ranges,
    nodePrefixLength: countOption("node-prefix-length", values["node-prefix-length"], {
      otherwise: Math.max(DEFAULTS.nodePrefixLength, podBits),
      min: podBits,
      max: 28,
    }),
    dnsAddress: tenthOf(serviceCIDR),
    clusterDomain: values["cluster-domain"] ?? DEFAULTS.clusterDomain,
    vxlanPort: portOption("vxlan-port", values["vxlan-port"], DEFAULTS.vxlanPort),
    vni: countOption("vni", values.vni, { otherwise: DEFAULTS.vni, min: 1, max: 16_777_215 }),
    directRouting: values["direct-routing"] === true,
    encrypted: values.encrypted === true,
    controlPlaneAddresses: [controlPlaneAddress],
    nodePortMin: DEFAULTS.nodePortMin,
    nodePortMax: DEFAULTS.nodePortMax,
  });
}

function portsOf(values: OptionValues<typeof HOST_OPTIONS>): HostPorts {
  const ports = {
    api: portOption("api-port", values["api-port"], DEFAULT_PORTS.api),
    join: portOption("join-port", values["join-port"], DEFAULT_PORTS.join),
    web: portOption("web-port", values["web-port"], DEFAULT_PORTS.web),
    node: portOption("node-port", values["node-port"], DEFAULT_PORTS.node),
    probe: portOption("probe-port", values["probe-port"], DEFAULT_PORTS.probe),
    etcdClient: portOption("etcd-client-port", values["etcd-client-port"], DEFAULT_PORTS.etcdClient),
    etcdPeer: portOption("etcd-peer-port", values["etcd-peer-port"], DEFAULT_PORTS.etcdPeer),
  };
  const all = Object.values(ports);
  const twice = all.find((port, at) => all.indexOf(port) !== at);
  if (twice === undefined) return ports;
  throw new TallshipError("invalid_argument", `port ${twice} is asked for twice`);
}

function outsideEtcdOf(values: OptionValues<typeof HOST_OPTIONS>): HostConfig["outsideEtcd"] {
  const endpoints = values["etcd-endpoints"];
  const files = { ca: values["etcd-ca"], certificate: values["etcd-cert"], key: values["etcd-key"] };
  const isNone = Object.values(files).every((file) => file === undefined);
  if (endpoints === undefined && isNone) return undefined;
  if (endpoints === undefined)
    throw new TallshipError("invalid_argument", "--etcd-ca, --etcd-cert and --etcd-key need --etcd-endpoints");
  const { ca, certificate, key } = files;
  if (isNone) return { endpoints, tls: undefined };
  if (ca === undefined || certificate === undefined || key === undefined)
    throw new TallshipError("invalid_argument", "--etcd-ca, --etcd-cert and --etcd-key belong together");
  return { endpoints, tls: { ca, certificate, key } };
}

function tenthOf(cidr: string): string {
  const bytes = ipBytes(cidr.split("/")[0] ?? "") ?? Buffer.alloc(4);
  const tenth = Buffer.alloc(4);
  tenth.writeUInt32BE(bytes.readUInt32BE() + 10);
  return [...tenth].join(".");
}
