import { Counter, Gauge, Histogram, Registry } from "prom-client";

const secondsBuckets = [0.000_1, 0.000_5, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10];

/** Every metric of the control plane, in a registry of its own so that several replicas can live in one process. */
export function controlPlaneMetrics() {
  const registry = new Registry();
  const registers = [registry];
  return {
    registry,
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
