import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { daemonMetrics } from "../lib/daemon-metrics.js";

const secondsBuckets = [0.000_1, 0.000_5, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10];

/** Every metric of the control plane, in a registry of its own so that several replicas can live in one process. */
export function controlPlaneMetrics() {
  const registry = new Registry();
  const registers = [registry];
  return {
    registry,
    ...servingMetrics(registers),
    ...apiMetrics(registers),
    ...controllerMetrics(registers),
    ...schedulerMetrics(registers),
    ...storeMetrics(registers),
    leaderIsLeading: new Gauge({
      name: "tallship_leader_is_leading",
      help: "1 while this replica leads",
      registers,
    }),
  } as const;
}

/** The metrics of one control plane. */
export type ControlPlaneMetrics = ReturnType<typeof controlPlaneMetrics>;

function servingMetrics(registers: Registry[]) {
  return {
    apiCallSeconds: new Histogram({
      name: "tallship_api_call_seconds",
      help: "Time to answer a unary call",
      labelNames: ["method"],
      buckets: secondsBuckets,
      registers,
    }),
    apiCallsTotal: new Counter({
      name: "tallship_api_calls_total",
      help: "Calls and streams that have ended, by the caller's role and by error code",
      labelNames: ["method", "role", "code"],
      registers,
    }),
    nodeSessions: new Gauge({
      name: "tallship_node_sessions",
      help: "Nodes that have a session with this replica",
      registers,
    }),
    ...daemonMetrics(registers),
  } as const;
}

/** What the API and the events sink count. */
function apiMetrics(registers: Registry[]) {
  return {
    apiWatches: new Gauge({
      name: "tallship_api_watches",
      help: "Watches that are open",
      registers,
    }),
    apiWatchesCutTotal: new Counter({
      name: "tallship_api_watches_cut_total",
      help: "Watches that were cut because their reader was too slow",
      registers,
    }),
    eventsWrittenTotal: new Counter({
      name: "tallship_events_written_total",
      help: "Events written, repetitions of one within a batch counted once",
      registers,
    }),
    eventsDroppedTotal: new Counter({
      name: "tallship_events_dropped_total",
      help: "Events dropped, by reason: the queue was full, the store refused, or the namespace is going",
      labelNames: ["reason"],
      registers,
    }),
  } as const;
}

function controllerMetrics(registers: Registry[]) {
  return {
    controllerQueueDepth: new Gauge({
      name: "tallship_controller_queue_depth",
      help: "Keys that wait for a controller",
      labelNames: ["controller"],
      registers,
    }),
    controllerReconcileSeconds: new Histogram({
      name: "tallship_controller_reconcile_seconds",
      help: "Time to decide on one key, without its writes",
      labelNames: ["controller"],
      buckets: secondsBuckets,
      registers,
    }),
    controllerWritesTotal: new Counter({
      name: "tallship_controller_writes_total",
      help: "Objects written by a controller",
      labelNames: ["controller"],
      registers,
    }),
    controllerErrorsTotal: new Counter({
      name: "tallship_controller_errors_total",
      help: "Keys that failed and are retried, by error code",
      labelNames: ["controller", "code"],
      registers,
    }),
  } as const;
}

function schedulerMetrics(registers: Registry[]) {
  return {
    schedulerScheduleSeconds: new Histogram({
      name: "tallship_scheduler_schedule_seconds",
      help: "Time to decide on one slice of pending pods",
      buckets: secondsBuckets,
      registers,
    }),
    schedulerBindSeconds: new Histogram({
      name: "tallship_scheduler_bind_seconds",
      help: "Time from the moment a pod was first seen pending until its bind was written",
      buckets: secondsBuckets,
      registers,
    }),
    schedulerPendingPods: new Gauge({
      name: "tallship_scheduler_pending_pods",
      help: "Pods without a node: waiting (not tried yet) or unschedulable",
      labelNames: ["state"],
      registers,
    }),
    schedulerVictimsTotal: new Counter({
      name: "tallship_scheduler_victims_total",
      help: "Pods that were told to make room for pods of higher priority",
      registers,
    }),
    schedulerBindsTotal: new Counter({
      name: "tallship_scheduler_binds_total",
      help: "Binds written, by result",
      labelNames: ["result"],
      registers,
    }),
  } as const;
}

function storeMetrics(registers: Registry[]) {
  return {
    storeCallSeconds: new Histogram({
      name: "tallship_store_call_seconds",
      help: "Time of calls to etcd, by operation and result: ok or the error's code",
      labelNames: ["operation", "result"],
      buckets: secondsBuckets,
      registers,
    }),
    cacheObjects: new Gauge({
      name: "tallship_cache_objects",
      help: "Objects in the watch cache",
      labelNames: ["kind"],
      registers,
    }),
    cacheRevision: new Gauge({
      name: "tallship_cache_revision",
      help: "Revision of the store that the watch cache reflects",
      registers,
    }),
    cacheRelistsTotal: new Counter({
      name: "tallship_cache_relists_total",
      help: "Full listings after the first, because history was compacted or changes were lost",
      labelNames: ["reason"],
      registers,
    }),
  } as const;
}
