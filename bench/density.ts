import type { Testbed } from "../test/testbed/testbed.js";
import { type Bench, type BenchContext, pause } from "./harness.js";
import { withTestbed } from "./on-testbed.js";
import { cpuMs, processesByRole, pssMib, totalOf } from "./proc.js";
import { deleteTimed, startTimed, type TimedGround, withTimedPods } from "./timed-pods.js";

/** What hundreds of pods on one host cost: to start, to keep, to delete. */
export const density: Bench = {
  name: "density",
  summary: "500 pods on one host: start, memory and CPU at rest, delays of the agent's loop, deletion",
  goals: [
    { metric: "start500_s", op: "<=", bound: 20, stage: "full" },
    { metric: "agent_mb", op: "<=", bound: 160, stage: "full" },
    { metric: "per_container_mb", op: "<=", bound: 0.7, stage: "full" },
    { metric: "agent_rest_pct", op: "<=", bound: 2, stage: "full" },
    { metric: "delete500_s", op: "<=", bound: 10, stage: "full" },
    { metric: "loop_lag_p99_ms", op: "<=", bound: 50, stage: "full" },
  ],
  run,
};

const HOST = "host1";

function run(context: BenchContext): Promise<Readonly<Record<string, number>>> {
  return withTestbed(context, { hostCount: 1 }, (testbed) =>
    withTimedPods(testbed, (ground) => measure(context, ground)),
  );
}

/** In a quick run there are a fifth of the pods, and the names of the metrics stay. */
async function measure(context: BenchContext, ground: TimedGround): Promise<Readonly<Record<string, number>>> {
  const { testbed } = ground;
  const count = context.isQuick ? 100 : 500;
  await pause(5_000);
  const before = memoryOf(testbed);
  await loopLagMs(testbed);
  const started = await startTimed(ground, { name: "dense", replicas: count });
  const startLagMs = await loopLagMs(testbed);
  context.report(`${count} pods in ${started.lastMs.toFixed(0)} ms, the loop ${startLagMs.toFixed(0)} ms late`);
  await pause(context.isQuick ? 5_000 : 20_000);
  const windowMs = context.isQuick ? 10_000 : 60_000;
  await loopLagMs(testbed);
  const beganMs = cpuOf(testbed);
  await pause(windowMs);
  const restMs = cpuOf(testbed) - beganMs;
  const restLagMs = await loopLagMs(testbed);
  const full = memoryOf(testbed);
  context.report(`at rest ${full.agent.toFixed(0)} MB, ${((restMs / windowMs) * 100).toFixed(1)} %`);
  const deletedMs = await deleteTimed(ground, "dense");
  const deleteLagMs = await loopLagMs(testbed);
  return {
    start500_s: started.lastMs / 1_000,
    agent_mb: full.agent,
    // What a container costs outside of itself and the agent: its monitor.
    per_container_mb: full.conmon / count,
    growth_per_container_mb: (full.agent - before.agent) / count,
    agent_rest_pct: (restMs / windowMs) * 100,
    delete500_s: deletedMs / 1_000,
    loop_lag_p99_ms: Math.max(startLagMs, restLagMs, deleteLagMs),
    start_lag_ms: startLagMs,
    rest_lag_ms: restLagMs,
    delete_lag_ms: deleteLagMs,
  };
}

function memoryOf(testbed: Testbed): { readonly agent: number; readonly conmon: number } {
  const roles = processesByRole(testbed.host(HOST));
  return { agent: totalOf(roles.get("agent"), pssMib), conmon: totalOf(roles.get("conmon"), pssMib) };
}

function cpuOf(testbed: Testbed): number {
  return totalOf(processesByRole(testbed.host(HOST)).get("agent"), cpuMs);
}

/** How late the agent's loop was since it was last asked, at the 99th percentile. */
async function loopLagMs(testbed: Testbed): Promise<number> {
  const { stdout } = await testbed.exec(HOST, ["curl", "-s", "http://127.0.0.1:7446/metrics"]);
  const seconds = /^tallship_event_loop_delay_seconds\{quantile="0.99"\} (\S+)$/m.exec(stdout)?.[1];
  if (seconds === undefined) throw new Error("the agent does not say how late its loop was");
  return Number(seconds) * 1_000;
}
