// Edge: this process.
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setImmediate as nextPiece } from "node:timers/promises";
import { COMMIT, VERSION } from "../lib/build-info.js";
import type { MetricsSource } from "../lib/metrics-endpoint.js";
import type { HealthListener, NetworkWayHealth } from "../net/health/health-report.js";
import type { IngressProxy } from "../net/ingress/ingress-proxy.js";
import type { NetworkMetrics } from "../net/network-metrics.js";
import type { Agent } from "./agent.js";
import type { AgentObserver } from "./agent-edges.js";
import type { ImageMetrics } from "./image/image-metrics.js";
import type { AgentMetrics } from "./metrics.js";
import { networkBytes } from "./pod-network-bytes.js";
import type { PodTurn } from "./pod-turn.js";
import type { Runtime } from "./runtime/runtime.js";

/** Counts pods' starts and restarts. A start counts once: when all containers are first seen running. */
export function podObserver(metrics: AgentMetrics): AgentObserver {
  const starting = new Set<string>();
  return {
    turn: ({ record, desired, containers, nowMs }: PodTurn) => {
      const wanted = desired?.spec?.containers.length ?? 0;
      const running = containers.filter(({ state }) => state.is === "running").length;
      const isFirst = Object.values(record.containers).every(({ attempt }) => attempt === 0);
      if (wanted > running) starting.add(record.uid);
      else if (starting.delete(record.uid) && isFirst)
        metrics.podStartSeconds.observe(Math.max(0, nowMs - record.seenAtMs) / 1000);
    },
    failed: (action, code) => metrics.podActionFailuresTotal.inc({ action, code }),
    restarted: () => metrics.containerRestartsTotal.inc(),
    forgotten: (uid) => starting.delete(uid),
  };
}

/** Counts pulls. */
export function imageObserver(metrics: AgentMetrics): ImageMetrics {
  return {
    pulled: (seconds, bytes) => {
      metrics.imagePullSeconds.observe(seconds);
      metrics.imagePullBytesTotal.inc(bytes);
    },
    failed: (code) => metrics.imagePullFailuresTotal.inc({ code }),
  };
}

/** Counts what the network does. */
export function networkObserver(metrics: AgentMetrics): NetworkMetrics {
  return {
    programmed: (part, tookMs) => metrics.networkProgramSeconds.observe({ part }, tookMs / 1000),
    failed: (part) => metrics.networkFailuresTotal.inc({ part }),
    repaired: (part, count) => metrics.networkRepairedTotal.inc({ part }, count),
    holds: (part, count) => metrics.networkEntries.set({ part }, count),
  };
}

const PROBED_WAYS = ["underlay", "overlay", "ipv6"] as const;

/** Shows how peers are reached. Series of peers that are none any more end. */
export function healthObserver(metrics: AgentMetrics): HealthListener {
  const faults = new Map<string, string>();
  const forget = (peer: string): void => {
    for (const path of PROBED_WAYS) {
      metrics.peerRoundTripSeconds.remove({ peer, path });
      metrics.peerLossRatio.remove({ peer, path });
    }
    noteFault(peer, "");
  };
  const noteFault = (peer: string, fault: string): void => {
    const before = faults.get(peer) ?? "";
    if (before !== "" && before !== fault) metrics.peerFault.remove({ peer, fault: before });
    if (fault !== "") metrics.peerFault.set({ peer, fault }, 1);
    faults.set(peer, fault);
  };
  return {
    looked: (peers, gone) => {
      for (const { peer, fault, ...paths } of peers) {
        for (const path of PROBED_WAYS) {
          const { roundTripMs, lossRatio } = paths[path] ?? { roundTripMs: undefined, lossRatio: undefined };
          if (roundTripMs === undefined) metrics.peerRoundTripSeconds.remove({ peer, path });
          else metrics.peerRoundTripSeconds.set({ peer, path }, roundTripMs / 1000);
          if (lossRatio !== undefined) metrics.peerLossRatio.set({ peer, path }, lossRatio);
        }
        noteFault(peer, fault?.kind ?? "");
      }
      for (const peer of gone) forget(peer);
    },
    waysLooked: (ways) => showWays(metrics, ways),
  };
}

/** There are few of them, and all are told each time: what is not among them has no series any more. */
function showWays(metrics: AgentMetrics, ways: readonly NetworkWayHealth[]): void {
  const { networkWayRoundTripSeconds, networkWayLossRatio, networkWayFault } = metrics;
  for (const gauge of [networkWayRoundTripSeconds, networkWayLossRatio, networkWayFault]) gauge.reset();
  for (const { network, peer, family, measure, fault } of ways) {
    const { roundTripMs, lossRatio } = measure;
    if (roundTripMs !== undefined) networkWayRoundTripSeconds.set({ network, peer, family }, roundTripMs / 1000);
    if (lossRatio !== undefined) networkWayLossRatio.set({ network, peer, family }, lossRatio);
    if (fault !== undefined) networkWayFault.set({ network, peer, family, fault: fault.kind }, 1);
  }
}

/** How often the loop's delay is measured. At 20 ms the measuring alone was a third of what an idle agent cost. */
const LOOP_DELAY_TICK_MS = 100;

/** What /metrics shows: counters as they are, and what is read from the machine at each scrape. */
export function metricsSource(
  metrics: AgentMetrics,
  agent: Agent,
  { runtime, ingress }: { readonly runtime: Runtime; readonly ingress: { readonly proxy: IngressProxy } },
): MetricsSource {
  metrics.buildInfo.set({ version: VERSION, commit: COMMIT }, 1);
  const delay = monitorEventLoopDelay({ resolution: LOOP_DELAY_TICK_MS });
  delay.enable();
  const refresh = async (): Promise<void> => {
    for (const quantile of [50, 99])
      metrics.eventLoopDelaySeconds.set(
        { quantile: `0.${quantile}` },
        Math.max(0, delay.percentile(quantile) - LOOP_DELAY_TICK_MS * 1e6) / 1e9,
      );
    delay.reset();
    const { user, system } = process.cpuUsage();
    metrics.cpuSeconds.set((user + system) / 1e6);
    metrics.residentBytes.set(process.memoryUsage.rss());
    metrics.sessionIsConnected.set(agent.isConnected ? 1 : 0);
    await refreshPods(metrics, agent, runtime);
    await refreshIngress(metrics, ingress.proxy);
  };
  return { registry: metrics.registry, refresh };
}

/** A proxy that ends just now has nothing to tell. */
async function refreshIngress(metrics: AgentMetrics, proxy: IngressProxy): Promise<void> {
  const traffic = await proxy.traffic().catch(() => []);
  for (const gauge of [metrics.ingressRequests, metrics.ingressRequestsRunning, metrics.ingressRetries]) gauge.reset();
  for (const { backend, answers, running, retried } of traffic) {
    for (const [code, count] of Object.entries(answers)) metrics.ingressRequests.set({ backend, code }, count);
    metrics.ingressRequestsRunning.set({ backend }, running);
    metrics.ingressRetries.set({ backend }, retried);
  }
}

const PODS_PER_PIECE = 20;

async function refreshPods(metrics: AgentMetrics, agent: Agent, runtime: Runtime): Promise<void> {
  const gauges = [
    metrics.containerCpuSeconds,
    metrics.containerThrottledSeconds,
    metrics.containerMemoryBytes,
    metrics.podNetworkReceivedBytes,
    metrics.podNetworkSentBytes,
    metrics.pods,
  ];
  for (const gauge of gauges) gauge.reset();
  for (const [at, { record, desired }] of (agent.pods?.list() ?? []).entries()) {
    // A scrape of hundreds of pods is not one piece of work for the loop.
    if (at % PODS_PER_PIECE === PODS_PER_PIECE - 1) await nextPiece();
    metrics.pods.inc({ phase: desired?.status?.phase ?? "Unknown" });
    const { namespace, name: pod } = record;
    for (const stats of await runtime.stats(record.uid)) {
      const labels = { namespace, pod, container: stats.container };
      metrics.containerCpuSeconds.set(labels, stats.cpuMicroseconds / 1e6);
      metrics.containerThrottledSeconds.set(labels, stats.throttledMicroseconds / 1e6);
      metrics.containerMemoryBytes.set(labels, stats.memoryBytes);
    }
    const pid = desired?.spec?.hostNetwork === true ? undefined : await firstPid(runtime, record.uid);
    if (pid === undefined) continue;
    const { receivedBytes, sentBytes } = networkBytes(pid);
    metrics.podNetworkReceivedBytes.set({ namespace, pod }, receivedBytes);
    metrics.podNetworkSentBytes.set({ namespace, pod }, sentBytes);
  }
}

async function firstPid(runtime: Runtime, uid: string): Promise<number | undefined> {
  const states = (await runtime.list(uid)).map(({ state }) => state);
  return states.flatMap((state) => (state.is === "running" ? [state.pid] : []))[0];
}
