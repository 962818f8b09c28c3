import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { daemonMetrics } from "../lib/daemon-metrics.js";

const startBuckets = [0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const programBuckets = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5];

/** Every metric of the agent, in a registry of its own so that several agents can live in one process. Series of pods end with them. */
export function agentMetrics() {
  const registry = new Registry();
  const registers = [registry];
  return {
    registry,
    ...podMetrics(registers),
    ...containerMetrics(registers),
    ...imageMetrics(registers),
    ...networkMetrics(registers),
    ...peerMetrics(registers),
    ...ingressMetrics(registers),
    ...selfMetrics(registers),
  } as const;
}

/** The metrics of one agent. */
export type AgentMetrics = ReturnType<typeof agentMetrics>;

function podMetrics(registers: Registry[]) {
  return {
    podStartSeconds: new Histogram({
      name: "tallship_pod_start_seconds",
      help: "From when the agent learned of a pod until all its containers ran; pulling images included",
      buckets: startBuckets,
      registers,
    }),
    pods: new Gauge({
      name: "tallship_node_pods",
      help: "Pods that the agent knows, by phase",
      labelNames: ["phase"],
      registers,
    }),
    containerRestartsTotal: new Counter({
      name: "tallship_container_restarts_total",
      help: "Runs of containers after their first",
      registers,
    }),
    podActionFailuresTotal: new Counter({
      name: "tallship_pod_action_failures_total",
      help: "Actions for pods that failed and are tried again",
      labelNames: ["action", "code"],
      registers,
    }),
  } as const;
}

function ingressMetrics(registers: Registry[]) {
  return {
    ingressRequests: new Gauge({
      name: "tallship_ingress_requests_total",
      help: "Requests that the node's proxy has answered since its process started, by backend and class of status",
      labelNames: ["backend", "code"],
      registers,
    }),
    ingressRequestsRunning: new Gauge({
      name: "tallship_ingress_requests_running",
      help: "Requests that the node's proxy waits for, by backend",
      labelNames: ["backend"],
      registers,
    }),
    ingressRetries: new Gauge({
      name: "tallship_ingress_retries_total",
      help: "Requests that were tried on another endpoint since the proxy's process started, by backend",
      labelNames: ["backend"],
      registers,
    }),
  } as const;
}

const containerLabels = ["namespace", "pod", "container"] as const;

function containerMetrics(registers: Registry[]) {
  return {
    containerCpuSeconds: new Gauge({
      name: "tallship_container_cpu_seconds_total",
      help: "CPU time a container's present run has used",
      labelNames: containerLabels,
      registers,
    }),
    containerThrottledSeconds: new Gauge({
      name: "tallship_container_cpu_throttled_seconds_total",
      help: "Time a container's present run was held back by its CPU limit",
      labelNames: containerLabels,
      registers,
    }),
    containerMemoryBytes: new Gauge({
      name: "tallship_container_memory_bytes",
      help: "Memory in use, without page cache that can be dropped",
      labelNames: containerLabels,
      registers,
    }),
    podNetworkReceivedBytes: new Gauge({
      name: "tallship_pod_network_received_bytes_total",
      help: "Bytes a pod has received on its own network",
      labelNames: ["namespace", "pod"],
      registers,
    }),
    podNetworkSentBytes: new Gauge({
      name: "tallship_pod_network_sent_bytes_total",
      help: "Bytes a pod has sent on its own network",
      labelNames: ["namespace", "pod"],
      registers,
    }),
  } as const;
}

function imageMetrics(registers: Registry[]) {
  return {
    imagePullSeconds: new Histogram({
      name: "tallship_image_pull_seconds",
      help: "Time of pulls that ended well",
      buckets: [0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300],
      registers,
    }),
    imagePullBytesTotal: new Counter({
      name: "tallship_image_pull_bytes_total",
      help: "Bytes fetched from registries",
      registers,
    }),
    imagePullFailuresTotal: new Counter({
      name: "tallship_image_pull_failures_total",
      help: "Pulls that failed, by error code",
      labelNames: ["code"],
      registers,
    }),
  } as const;
}

function networkMetrics(registers: Registry[]) {
  const labelNames = ["part"];
  return {
    networkProgramSeconds: new Histogram({
      name: "tallship_network_program_seconds",
      help: "From a change being wanted until the kernel holds it, by part of the network",
      labelNames,
      buckets: programBuckets,
      registers,
    }),
    networkFailuresTotal: new Counter({
      name: "tallship_network_failures_total",
      help: "Changes that the kernel refused and that are tried again",
      labelNames,
      registers,
    }),
    networkRepairedTotal: new Counter({
      name: "tallship_network_repaired_entries_total",
      help: "Entries that somebody else had changed and that were put back",
      labelNames,
      registers,
    }),
    networkEntries: new Gauge({
      name: "tallship_network_entries",
      help: "Entries that the kernel holds",
      labelNames,
      registers,
    }),
  } as const;
}

function peerMetrics(registers: Registry[]) {
  const labelNames = ["peer", "path"];
  return {
    peerRoundTripSeconds: new Gauge({
      name: "tallship_peer_round_trip_seconds",
      help: "Least time to a peer and back over the last minute, by way: underlay, overlay, or ipv6 through the overlay",
      labelNames,
      registers,
    }),
    peerLossRatio: new Gauge({
      name: "tallship_peer_loss_ratio",
      help: "Share of small packets to a peer that were not answered over the last minute, 0 to 1",
      labelNames,
      registers,
    }),
    peerFault: new Gauge({
      name: "tallship_peer_fault",
      help: "1 while something is at fault on the way to a peer",
      labelNames: ["peer", "fault"],
      registers,
    }),
    ...networkWayMetrics(registers),
  } as const;
}

function networkWayMetrics(registers: Registry[]) {
  const labelNames = ["network", "peer", "family"];
  return {
    networkWayRoundTripSeconds: new Gauge({
      name: "tallship_network_way_round_trip_seconds",
      help: "Least time to a peer and back over the last minute by a network beside the cluster's own",
      labelNames,
      registers,
    }),
    networkWayLossRatio: new Gauge({
      name: "tallship_network_way_loss_ratio",
      help: "Share of packets to a peer by a network beside the cluster's own that were not answered over the last minute, 0 to 1",
      labelNames,
      registers,
    }),
    networkWayFault: new Gauge({
      name: "tallship_network_way_fault",
      help: "1 while something is at fault on the way to a peer by a network beside the cluster's own",
      labelNames: [...labelNames, "fault"],
      registers,
    }),
  } as const;
}

function selfMetrics(registers: Registry[]) {
  return {
    eventLoopDelaySeconds: new Gauge({
      name: "tallship_event_loop_delay_seconds",
      help: "How late the agent's event loop was, since the last scrape",
      labelNames: ["quantile"],
      registers,
    }),
    residentBytes: new Gauge({
      name: "tallship_agent_resident_bytes",
      help: "Resident memory of the agent",
      registers,
    }),
    cpuSeconds: new Gauge({
      name: "tallship_agent_cpu_seconds_total",
      help: "CPU time the agent has used",
      registers,
    }),
    sessionIsConnected: new Gauge({
      name: "tallship_agent_session_is_connected",
      help: "1 while the leader has welcomed this node",
      registers,
    }),
    ...daemonMetrics(registers),
  } as const;
}
