import type { HostLayout } from "../test/testbed/layout.js";
import { type Bench, type BenchContext, pause } from "./harness.js";
import { deploy, remove, withTestbed } from "./on-testbed.js";
import { cpuMs, processesByRole, pssMib, totalOf } from "./proc.js";

/** What Tallship costs while it does nothing, and per container. */
export const footprint: Bench = {
  name: "footprint",
  summary: "memory (PSS) and idle CPU of control plane, etcd and agent, idle and with 100 pods",
  goals: [
    { metric: "controlplane_mb", op: "<=", bound: 130, stage: "first" },
    { metric: "agent_mb", op: "<=", bound: 100, stage: "first" },
    { metric: "agent_100pods_mb", op: "<=", bound: 130, stage: "full" },
    { metric: "per_container_mb", op: "<=", bound: 1, stage: "first" },
    { metric: "per_container_mb", op: "<=", bound: 0.7, stage: "full" },
    { metric: "controlplane_idle_pct", op: "<=", bound: 1, stage: "first" },
    { metric: "agent_idle_pct", op: "<=", bound: 1, stage: "first" },
  ],
  run,
};

const MANY = 100;

function run(context: BenchContext): Promise<Readonly<Record<string, number>>> {
  return withTestbed(context, { hostCount: 3 }, async (testbed) => {
    const first = testbed.host("host1");
    const worker = testbed.host("host3");
    await pause(context.isQuick ? 5_000 : 20_000);
    const idle = memoryOf(worker);
    const controlplane_mb = totalOf(processesByRole(first).get("controlplane"), pssMib);
    const etcd_mb = totalOf(processesByRole(first).get("etcd"), pssMib);
    context.report("30 pods, at rest");
    await deploy(testbed, { name: "few", replicas: 30 });
    const windowMs = context.isQuick ? 10_000 : 60_000;
    // What the start leaves to be done has an end: the worker that unpacked the image goes after five seconds, and its parent is then told of all that it ever used.
    await pause(15_000);
    const before = { controlplane: cpuOf(first, "controlplane"), agent: cpuOf(worker, "agent") };
    await pause(windowMs);
    const controlplane_idle_pct = ((cpuOf(first, "controlplane") - before.controlplane) / windowMs) * 100;
    const agent_idle_pct = ((cpuOf(worker, "agent") - before.agent) / windowMs) * 100;
    await remove(testbed, "few");
    context.report(`${MANY} pods on one host`);
    await deploy(testbed, { name: "many", replicas: MANY, node: worker.name });
    await pause(context.isQuick ? 3_000 : 15_000);
    const full = memoryOf(worker);
    const per_container_mb = (full.agent + full.conmon - idle.agent) / MANY;
    return {
      controlplane_mb,
      etcd_mb,
      agent_mb: idle.agent,
      agent_100pods_mb: full.agent,
      per_container_mb,
      conmon_mb: full.conmon / MANY,
      controlplane_idle_pct,
      agent_idle_pct,
    };
  });
}

function memoryOf(host: HostLayout): { readonly agent: number; readonly conmon: number } {
  const roles = processesByRole(host);
  return { agent: totalOf(roles.get("agent"), pssMib), conmon: totalOf(roles.get("conmon"), pssMib) };
}

function cpuOf(host: HostLayout, role: "controlplane" | "agent"): number {
  return totalOf(processesByRole(host).get(role), cpuMs);
}
