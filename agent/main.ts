// Edge: the agent's composition root.
import { mkdirSync, statfsSync } from "node:fs";
import { join } from "node:path";
import { TallshipError } from "../lib/errors.js";
import { DEFAULT_EVICTION, type HostConfig, readClusterConfig, readHostConfig } from "../lib/host-config.js";
import type { HostPaths } from "../lib/host-paths.js";
import { limit } from "../lib/limits.js";
import type { Log } from "../lib/log.js";
import { metricsHandler, startLocalMetrics } from "../lib/metrics-endpoint.js";
import { readCertificate } from "../lib/pki/read.js";
import { readText } from "../lib/read-text.js";
import { sharedAbort } from "../lib/shared-abort.js";
import { systemClock } from "../lib/system-clock.js";
import { systemRng } from "../lib/system-rng.js";
import type { MutableCredentials } from "../lib/transport/credentials.js";
import { grpcDialer } from "../lib/transport/grpc-dialer.js";
import { startGrpcServer } from "../lib/transport/grpc-server.js";
import { movedControlPlaneHandler } from "../lib/transport/moved-control-plane.js";
import { keepRenewed } from "../lib/transport/renewal.js";
import { OWN_DEVICES } from "../net/device-names.js";
import { namesFile, namesPath } from "../net/dns/names-file.js";
import { namePublisher } from "../net/dns/publish-names.js";
import { familiesOf } from "../net/family.js";
import { hostEvidence } from "../net/health/host-evidence.js";
import { networkSockets } from "../net/health/network-sockets.js";
import { socketWire } from "../net/health/socket-wire.js";
import { createNodeNetwork } from "../net/host-network.js";
import { haproxy } from "../net/ingress/haproxy.js";
import { realKernel } from "../net/kernel/real-kernel.js";
import { networksFile } from "../net/networks/networks-file.js";
import type { NamePublisher } from "../net/node-network-options.js";
import { healthCheckServers } from "../net/proxy/health-check-servers.js";
import { openShortcut } from "../net/shortcut/open-shortcut.js";
import { tunnelKeyFile } from "../net/tunnels/key-file.js";
import type { ClusterConfig } from "../proto/gen/tallship/v1/session.js";
import { Agent } from "./agent.js";
import type { AgentEdges } from "./agent-edges.js";
import type { NodeTraits } from "./assemble.js";
import { cgroupMode, type Hierarchy, podCgroup } from "./cgroup/hierarchies.js";
import { enterWithoutUnified } from "./cgroup/hybrid.js";
import { kernelCounts } from "./cgroup/kernel-counts.js";
import { boundedProcesses, mountedHierarchies } from "./cgroup/pod-cgroups.js";
import { openDiskCheckpoint } from "./checkpoint/disk-checkpoint.js";
import { nodeSeal } from "./checkpoint/seal.js";
import { performCheck } from "./checks/perform-check.js";
import { diskDevices } from "./devices/disk-devices.js";
import { openNodeMemory } from "./host/disk-node-memory.js";
import { hostDevices, leastOomScore } from "./host/host-devices.js";
import { type HostFacts, nodeIPs } from "./host/host-facts.js";
import { readNodeCredentials, renewNodeCertificate } from "./host/node-credentials.js";
import { allocatable } from "./host/node-status.js";
import { addressMoved, settleAddress } from "./host/own-address.js";
import {
  hostUsage,
  ipv4Beside,
  ipv6Beside,
  openFilesAllowed,
  ownCapabilityMask,
  ownHardLimits,
  readHostFacts,
} from "./host/read-host-facts.js";
import { seccompProfiles } from "./host/seccomp-profiles.js";
import { ImageBuilder } from "./image/build/image-builder.js";
import { type CreatedImages, createImages } from "./image/create-images.js";
import { httpsPeers } from "./image/fabric/https-peers.js";
import { contentHandler, type ServingParts } from "./image/fabric/serve-content.js";
import { collectImages, type DiskUse } from "./image/image-collector.js";
import { imageStreams } from "./image/image-tasks.js";
import { mirrorsFile } from "./image/mirrors-file.js";
import { platformOfNode } from "./image/platform.js";
import { inspectRoot } from "./image-root.js";
import { startLauncher } from "./launcher/launcher.js";
import { sweepEnded } from "./logs/ended-logs.js";
import { openLogFiles } from "./logs/log-files.js";
import { type AgentMetrics, agentMetrics } from "./metrics.js";
import { healthObserver, imageObserver, metricsSource, networkObserver, podObserver } from "./observe.js";
import { capabilityNames } from "./oci/capabilities.js";
import { fetchPages } from "./pod-metrics/fetch-page.js";
import { podStreams } from "./pod-streams.js";
import { keepFit } from "./pressure/keep-fit.js";
import { measureStorage } from "./pressure/measure-storage.js";
import { readStocks } from "./pressure/read-host.js";
import { evictionRules } from "./pressure/thresholds.js";
import { startOciRuntime } from "./runtime/oci/oci-runtime.js";
import { findPrograms } from "./runtime/oci/programs.js";
import { MovedControlPlanes } from "./session/moved-control-planes.js";
import { openHostUsers } from "./userns/host-users.js";
import { openHostDisk } from "./volume/host-disk.js";
import { copierOf, workerOf } from "./worker/worker-program.js";

/** What an agent is started with. */
export interface AgentOptions {
  readonly paths: HostPaths;
  readonly log: Log;
  /** Path of the program this agent was started as; its worker is found beside it. */
  readonly programPath: string;
  /** Control group above all pods' groups; empty, or a path that starts with a slash. */
  readonly cgroupParent: string;
}

const edges = { clock: systemClock, rng: systemRng };

/** Runs the agent of this host until the signal aborts, or until the host has another address: whoever started it starts it anew then. Containers, network and names go on without it; another agent takes them up as they are. */
export async function runAgent(options: AgentOptions, stop: AbortSignal): Promise<void> {
  const { paths, log } = options;
  const [configured, cluster] = await Promise.all([readHostConfig(paths), readClusterConfig(paths)]);
  if (configured === undefined || cluster === undefined)
    throw new TallshipError("failed_precondition", `${paths.configDir} holds no cluster: run tallshipd init or join`);
  const known = openNodeMemory(paths.dataDir, log).controlPlaneAddresses;
  const controlPlaneAddresses = [...cluster.controlPlaneAddresses, ...known];
  const following = { ...{ paths, log, controlPlaneAddresses }, clock: systemClock, ownDevices: OWN_DEVICES };
  const host = await settleAddress(configured, following, stop);
  if (host === undefined) return;
  const { signal, end } = untilEnded(stop);
  const credentials = await readNodeCredentials(paths);
  const metrics = agentMetrics();
  const opened = await openEdges({ ...options, host, cluster, credentials, metrics });
  const agent = new Agent(opened.edges);
  agent.start();
  const { serving } = opened;
  const stopServing = await serve({ host, credentials, metrics, log, agent, edges: opened.edges, serving });
  keepCertificate({ paths, host, credentials, metrics, log, edges: opened.edges }, signal);
  log.info("agent runs", { node: host.name, runtime: opened.edges.runtime.version });
  await addressMoved(host, following, signal);
  end();
  await stopServing();
  await agent.stop();
  await opened.close();
}

interface Parts extends AgentOptions {
  readonly host: HostConfig;
  readonly cluster: ClusterConfig;
  readonly credentials: MutableCredentials;
  readonly metrics: AgentMetrics;
}

interface Opened {
  readonly edges: AgentEdges;
  readonly serving: ServingParts | undefined;
  readonly close: () => Promise<void>;
}

/** The real machine behind the agent's edges, and how to let go of it. */
async function openEdges(parts: Parts): Promise<Opened> {
  const { paths, cluster, credentials, metrics, cgroupParent, log } = parts;
  const { dataDir, runDir } = paths;
  for (const folder of [dataDir, runDir]) mkdirSync(folder, { recursive: true, mode: 0o711 });
  const { launcher, runtime, hierarchies } = await openRuntime(parts);
  const users = await openHostUsers({ dataDir, runDir, launcher, runtimeVersion: runtime.version });
  const created = openImages(parts);
  const builder = new ImageBuilder({ ...created, dataDir, cgroupParent, log, platform: platformOfNode(process.arch) });
  const facts = factsOf(parts, runtime.version);
  const keyPem = credentials.current().pair?.keyPem ?? "";
  const { clusterDomain } = cluster;
  const names = namePublisher({
    clusterDomain,
    nodeName: facts.nodeName,
    file: namesFile(namesPath(runDir)),
    clock: systemClock,
    log,
  });
  const made: AgentEdges = {
    ...edges,
    log,
    nextTurn: (call) => void setImmediate(call),
    dialer: grpcDialer({ credentials, serverRole: "control-plane", clock: systemClock }),
    ...{ controlPlaneAddresses: cluster.controlPlaneAddresses, moved: new MovedControlPlanes(), cluster },
    runtime,
    images: created.images,
    rootfs: created.rootFs,
    imageRoots: { inspect: inspectRoot },
    perform: performCheck(runtime),
    ...{ disk: openHostDisk({ dataDir, runDir, launcher }), devices: diskDevices(dataDir), users },
    checkpoint: openDiskCheckpoint({ dataDir, seal: nodeSeal(keyPem, systemRng), clock: systemClock, log }),
    memory: openNodeMemory(dataDir, log),
    logs: openLogFiles(dataDir),
    network: openNetwork(parts, names),
    fabric: created.serving?.fabric,
    collectImages: (inUse, signal) => {
      const { library } = created;
      return collectImages({ library, diskUse: () => diskUse(dataDir), inUse, clock: systemClock, log }, signal);
    },
    keepFit: fitness(parts, { launcher, runtime, hierarchies, created }),
    imageStreams: (inUse, openLink) => imageStreams({ ...created, builder, inUse, openLink }),
    ingress: ingressOf(paths, cluster),
    probe: probesOf(cluster, metrics),
    streams: (loop, idsOf) => {
      const of = { loop, idsOf, runtime, facts, hostUsage, copier: copierOf(parts.programPath) };
      const { images, library, rootFs: rootfs } = created;
      return podStreams({ ...edges, ...paths, ...of, images, library, rootfs });
    },
    facts,
    usage: hostUsage(systemClock),
    fetchPage: fetchPages(systemClock),
    traits: traitsOf(parts, facts, hierarchies),
    hostResolvConf: readText("/etc/resolv.conf"),
    observe: podObserver(metrics),
  };
  const close = async (): Promise<void> => {
    await created.close();
    await runtime.close();
    await launcher.close();
  };
  return { edges: made, serving: created.serving, close };
}

function openNetwork({ paths, metrics, log }: Parts, names: NamePublisher): AgentEdges["network"] {
  const { dataDir, runDir } = paths;
  return (config) => {
    const kernel = realKernel({ runDir, clock: systemClock, families: familiesOf(config) });
    return createNodeNetwork(config, kernel, {
      ...edges,
      ...{ log, names },
      keys: tunnelKeyFile(join(dataDir, "tunnel-keys.json")),
      networks: networksFile(join(dataDir, "networks"), log),
      metrics: networkObserver(metrics),
      healthChecks: healthCheckServers(log),
      shortcut: openShortcut(config, { kernel, clock: systemClock, log }),
    });
  };
}

function traitsOf(
  { paths, cluster, cgroupParent, log }: Parts,
  facts: HostFacts,
  of: readonly Hierarchy[],
): NodeTraits {
  const floor = leastOomScore();
  if (floor > -998) log.warn("the kernel refuses to protect containers from the OOM killer", { least: floor });
  return {
    ...{ hostname: facts.hostname, nodeIPs: nodeIPs(facts), runDir: paths.runDir, cgroupParent },
    ...{ memoryBytes: facts.memoryBytes, clusterDomain: cluster.clusterDomain },
    oomScoreFloor: floor,
    allocatable: allocatable(facts),
    capabilities: capabilityNames(ownCapabilityMask()),
    ...{ architecture: process.arch, counts: kernelCounts(of) },
    ...{ devices: hostDevices(), hardLimits: ownHardLimits(), seccompProfile: seccompProfiles(paths.dataDir) },
  };
}

function factsOf({ host, cluster, paths: { dataDir } }: Parts, runtimeVersion: string): HostFacts {
  const { name: nodeName, advertiseAddress: nodeIP, isControlPlane, ports } = host;
  const { api: _, ...internal } = ports;
  const internalPorts = Object.values(internal);
  const { node: nodePort, probe: probePort } = ports;
  const hostIPv6 = cluster.podCIDRIPv6 === "" ? [] : ipv6Beside(nodeIP);
  const addresses = { nodeIP, hostIPv4: ipv4Beside(nodeIP), nodeIPv6: hostIPv6[0], hostIPv6 };
  const identity = { nodeName, ...addresses, nodePort, probePort, internalPorts, isControlPlane };
  return readHostFacts({ ...identity, dataDir, runtimeVersion });
}

function fitness(
  { paths: { dataDir }, host, cgroupParent, log }: Parts,
  of: Awaited<ReturnType<typeof openRuntime>> & { readonly created: CreatedImages },
): AgentEdges["keepFit"] {
  const { launcher, runtime, hierarchies, created } = of;
  return keepFit({
    ...{ clock: systemClock, log, library: created.library, stats: (uid) => runtime.stats(uid) },
    rules: evictionRules({ ...DEFAULT_EVICTION, ...host.eviction }),
    processesOf: (uid) => boundedProcesses(hierarchies, podCgroup(cgroupParent, uid)),
    stocks: () => readStocks({ dataDir, hierarchies, cgroupParent }),
    measure: measureStorage({ dataDir, rootFs: created.rootFs, launcher }),
    sweepLogs: async (which) => {
      await sweepEnded(dataDir, systemClock.nowMs(), which === "all" ? 0 : undefined);
    },
  });
}

/** Peers are probed from this host's own network, and it counts what is found. */
function probesOf({ dnsAddress }: ClusterConfig, metrics: AgentMetrics): NonNullable<AgentEdges["probe"]> {
  return {
    wire: socketWire(systemClock),
    networks: networkSockets(),
    evidence: hostEvidence({ ...edges, resolvConf: "/etc/resolv.conf", dnsAddress }),
    observe: healthObserver(metrics),
  };
}

/** As df counts: what is kept for root is not there for anybody. */
function diskUse(folder: string): DiskUse {
  const { blocks, bfree, bavail, bsize } = statfsSync(folder);
  const usedBytes = (blocks - bfree) * bsize;
  return { usedBytes, totalBytes: usedBytes + bavail * bsize };
}

function openImages({ paths, programPath, credentials, metrics, log }: Parts): CreatedImages {
  return createImages({
    ...edges,
    dataDir: paths.dataDir,
    log,
    mirrors: mirrorsFile(join(paths.configDir, "registries.yaml")),
    worker: workerOf(programPath),
    peers: httpsPeers(credentials, systemClock),
    metrics: imageObserver(metrics),
  });
}

/** The node's proxy; its files hold keys, so they are gone with the run folder. */
function ingressOf({ runDir, log }: HostPaths, { podCIDRIPv6 }: ClusterConfig): AgentEdges["ingress"] {
  mkdirSync(log, { recursive: true });
  const site = {
    dir: join(runDir, "ingress"),
    addresses: podCIDRIPv6 === "" ? ["*"] : ["*", "::"],
    httpPort: limit("ingressHttpPort"),
    httpsPort: limit("ingressHttpsPort"),
    maxConnections: Math.min(limit("ingressConnections"), Math.floor((openFilesAllowed() - 100) / 2)),
  };
  return { site, proxy: haproxy({ site, accessLog: join(log, "ingress.log"), clock: systemClock }) };
}

async function openRuntime({ paths, cgroupParent, log }: Parts) {
  const { runDir } = paths;
  const hierarchies = mountedHierarchies();
  const enter = cgroupMode(hierarchies) === "hybrid" ? enterWithoutUnified(runDir, hierarchies) : [];
  const launcher = await startLauncher({ dir: join(runDir, "launcher"), enter, log });
  const found = await findPrograms(launcher, runDir);
  const runtime = startOciRuntime({ runDir, ...found, hierarchies, cgroupParent, launcher, clock: systemClock, log });
  return { launcher, runtime, hierarchies };
}

interface Serving {
  readonly host: HostConfig;
  readonly credentials: MutableCredentials;
  readonly metrics: AgentMetrics;
  readonly log: Log;
  readonly agent: Agent;
  readonly edges: AgentEdges;
  readonly serving: ServingParts | undefined;
}

/** The node port: mTLS on the host's address, plain on 127.0.0.1. Returns how to stop. */
async function serve({
  host,
  credentials,
  metrics,
  log,
  agent,
  edges: of,
  serving,
}: Serving): Promise<() => Promise<void>> {
  const source = metricsSource(metrics, agent, of);
  const local = await startLocalMetrics(source, host.ports.node);
  const others = movedControlPlaneHandler((address) => of.moved?.tell(address), metricsHandler(source));
  if (host.advertiseAddress === "127.0.0.1") return async () => local.close();
  const server = await startGrpcServer({
    host: host.advertiseAddress,
    port: host.ports.node,
    bindings: [],
    credentials,
    clientCertificates: "required",
    clock: systemClock,
    log,
    onHttp: serving === undefined ? others : contentHandler(serving, others),
  });
  return async () => {
    local.close();
    await server.close(limit("shutdownGraceMs"));
  };
}

function keepCertificate(
  parts: Pick<Parts, "paths" | "host" | "credentials" | "metrics" | "log"> & { readonly edges: AgentEdges },
  signal: AbortSignal,
): void {
  const { paths, host, credentials, metrics, log } = parts;
  const { dialer, memory, controlPlaneAddresses } = parts.edges;
  const show = (): void => {
    const { pair } = credentials.current();
    if (pair !== undefined)
      metrics.certificateExpirySeconds.set(
        { certificate: "node" },
        readCertificate(pair.certificatePem).notAfterMs / 1000,
      );
  };
  show();
  credentials.onChange(show);
  let turn = 0;
  const renew: Parameters<typeof keepRenewed>[1] = (current) => {
    const known = memory.controlPlaneAddresses.length > 0 ? memory.controlPlaneAddresses : controlPlaneAddresses;
    const address = known[turn % known.length] ?? "";
    turn += 1;
    return renewNodeCertificate({ paths, nodeName: host.name, dialer, address }, current);
  };
  void keepRenewed(credentials, renew, { ...edges, log }, signal);
}

/** A signal that aborts with the other, or sooner. */
function untilEnded(stop: AbortSignal): { readonly signal: AbortSignal; readonly end: () => void } {
  const over = sharedAbort();
  const end = (): void => over.abort();
  if (stop.aborted) end();
  else stop.addEventListener("abort", end, { once: true });
  return { signal: over.signal, end };
}
