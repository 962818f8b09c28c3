import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { waitFor } from "../test/kit/wait.js";
import type { Testbed } from "../test/testbed/testbed.js";
import { type Bench, type BenchContext, median, pause } from "./harness.js";
import { deploy, podsOf, remove, withTestbed } from "./on-testbed.js";
import { podPath } from "./paths.js";
import { type DockerHosts, withSwarm } from "./swarm/docker-hosts.js";
import { type OverlayShare, overlayShare, shareOfBare } from "./swarm/docker-overlay.js";
import { fetchDocker } from "./swarm/docker-package.js";
import { startTimed, withTimedPods } from "./timed-pods.js";

/** Docker Swarm beside Tallship: the same hosts, image and limits, one after the other. */
export const swarm: Bench = {
  name: "swarm",
  summary: "Docker Swarm on the same kind of hosts: 100 containers, a host's power cut, the overlay, memory",
  goals: [
    { metric: "speedup", op: ">=", bound: 8, stage: "full" },
    { metric: "failover_speedup", op: ">=", bound: 3, stage: "full" },
    { metric: "overlay_speedup", op: ">=", bound: 1.1, stage: "full" },
  ],
  run,
};

const COUNT = 100;
const SPARED = 6;

/** What either of them takes. */
interface Figures {
  readonly startS: number;
  readonly failoverS: number;
  readonly share: OverlayShare;
}

async function run(context: BenchContext): Promise<Readonly<Record<string, number>>> {
  const programs = await fetchDocker();
  try {
    const theirs = await withSwarm(context, { programs, hostCount: 3 }, (hosts) => ofSwarm(context, hosts));
    const own = await withTestbed(context, { hostCount: 3 }, (testbed) => ofTallship(context, testbed));
    return {
      swarm_pods100_s: theirs.startS,
      pods100_s: own.startS,
      speedup: theirs.startS / own.startS,
      swarm_per_container_mb: theirs.perContainerMib,
      swarm_engine_mb: theirs.engineMib,
      swarm_failover_s: theirs.failoverS,
      failover_s: own.failoverS,
      failover_speedup: theirs.failoverS / own.failoverS,
      swarm_overlay_ratio: theirs.share.tcp1Ratio,
      overlay_ratio: own.share.tcp1Ratio,
      overlay_speedup: own.share.tcp1Ratio / theirs.share.tcp1Ratio,
      rtt_speedup: theirs.share.rttRatio / own.share.rttRatio,
    };
  } finally {
    programs.remove();
  }
}

async function ofSwarm(
  context: BenchContext,
  hosts: DockerHosts,
): Promise<Figures & { readonly perContainerMib: number; readonly engineMib: number }> {
  const stamps = join(hosts.testbed.layout.diskDir, "stamps");
  mkdirSync(stamps);
  const mount = ["--mount", `type=bind,source=${stamps},target=/stamps`];
  const stamped = (name: string): number => readdirSync(stamps).filter((file) => file.startsWith(`${name}.`)).length;
  const start = async (name: string, count: number, more: readonly string[] = []): Promise<number> => {
    const command = `trap 'exit 0' TERM; : > "/stamps/${name}.$(hostname)"; sleep 1000000 & wait`;
    const beganAt = performance.now();
    await hosts.serve(name, count, [...mount, ...more], ["/bin/sh", "-c", command]);
    await hosts.waitRunning(name, count);
    await waitFor(`${count} stamps of ${name}`, () => stamped(name) >= count);
    return (performance.now() - beganAt) / 1_000;
  };
  await start("warm", 12);
  await hosts.unserve("warm");
  const share = await overlayShare(context, hosts);
  const engineMib = hosts.memoryMib("host3");
  const started: number[] = [];
  for (let round = 0; round < (context.isQuick ? 1 : 3); round += 1) {
    started.push(await start(`many${round}`, COUNT));
    context.report(`swarm: ${COUNT} containers in ${started.at(-1)?.toFixed(1)} s`);
    await hosts.unserve(`many${round}`);
  }
  await start("full", COUNT, ["--constraint", "node.hostname==host3"]);
  await pause(context.isQuick ? 3_000 : 15_000);
  const perContainerMib = (hosts.memoryMib("host3") - engineMib) / COUNT;
  await hosts.unserve("full");
  await start("spared", SPARED);
  const failoverS = await timedFailover(hosts.testbed, async () => {
    await hosts.waitRunning("spared", SPARED, (host) => host !== "host3");
  });
  context.report(`swarm: ${SPARED} containers elsewhere after ${failoverS.toFixed(1)} s`);
  return { startS: median(started), failoverS, share, perContainerMib, engineMib };
}

async function ofTallship(context: BenchContext, testbed: Testbed): Promise<Figures> {
  const started: number[] = [];
  await withTimedPods(testbed, async (ground) => {
    for (let round = 0; round < (context.isQuick ? 1 : 3); round += 1) {
      const { lastMs } = await startTimed(ground, { name: `many${round}`, replicas: COUNT });
      started.push(lastMs / 1_000);
      context.report(`tallship: ${COUNT} pods in ${(lastMs / 1_000).toFixed(1)} s`);
      await remove(testbed, `many${round}`);
    }
  });
  await deploy(testbed, { name: "net", replicas: 3 });
  const pods = await podPath(testbed, await podsOf(testbed, "net"));
  const share = await shareOfBare(context, testbed, { name: "tallship", path: pods });
  await remove(testbed, "net");
  await deploy(testbed, { name: "spared", replicas: SPARED });
  const failoverS = await timedFailover(testbed, async () => {
    const isThere = async (): Promise<boolean> => (await runningElsewhere(testbed)) >= SPARED;
    await waitFor(`${SPARED} pods elsewhere`, isThere, { deadlineMs: 120_000, everyMs: 100 });
  });
  context.report(`tallship: ${SPARED} pods elsewhere after ${failoverS.toFixed(1)} s`);
  return { startS: median(started), failoverS, share };
}

/** Seconds from the cut of the third host's power until what ran there runs elsewhere. */
async function timedFailover(testbed: Testbed, elsewhere: () => Promise<void>): Promise<number> {
  const beganAt = performance.now();
  await testbed.power("host3", "poweroff");
  await elsewhere();
  return (performance.now() - beganAt) / 1_000;
}

async function runningElsewhere(testbed: Testbed): Promise<number> {
  const list = JSON.parse(await testbed.tsctl(["get", "pods", "-l", "app=spared", "-o", "json"]));
  return list.items.filter(
    ({ spec, status }: { spec: { nodeName?: string }; status: { phase?: string } }) =>
      spec.nodeName !== "host3" && status.phase === "Running",
  ).length;
}
