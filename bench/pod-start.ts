import { bareContainers } from "./bare-containers.js";
import { type Bench, type BenchContext, median, percentile } from "./harness.js";
import { withTestbed } from "./on-testbed.js";
import { deleteTimed, startTimed, type TimedGround, withTimedPods } from "./timed-pods.js";

/** How fast pods start, against the bare runtime doing the same work in the same run. */
export const podStart: Bench = {
  name: "pod-start",
  summary: "apply of 100 pods on 3 hosts until all have started, over bare conmon+crun; single pods; deletion",
  goals: [
    { metric: "pods100_s", op: "<=", bound: 4, stage: "first" },
    { metric: "pods100_s", op: "<=", bound: 2.5, stage: "full" },
    { metric: "ratio", op: "<=", bound: 3, stage: "first" },
    { metric: "ratio", op: "<=", bound: 2, stage: "full" },
    { metric: "single_p50_ms", op: "<=", bound: 150, stage: "first" },
    { metric: "single_p50_ms", op: "<=", bound: 100, stage: "full" },
    { metric: "single_p99_ms", op: "<=", bound: 250, stage: "full" },
    { metric: "burst50_p99_ms", op: "<=", bound: 1000, stage: "full" },
    { metric: "delete100_s", op: "<=", bound: 3, stage: "full" },
  ],
  run,
};

const COUNT = 100;

function run(context: BenchContext): Promise<Readonly<Record<string, number>>> {
  return withTestbed(context, { hostCount: 3 }, (testbed) =>
    withTimedPods(testbed, (ground) => measure(context, ground)),
  );
}

async function measure(context: BenchContext, ground: TimedGround): Promise<Readonly<Record<string, number>>> {
  const rounds = context.isQuick ? 1 : 3;
  const started: number[] = [];
  const deleted: number[] = [];
  const bare: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const name = `many${round}`;
    const took = await startTimed(ground, { name, replicas: COUNT });
    const template = await bareContainers.likePodOf(ground.testbed, name);
    const deleteMs = await deleteTimed(ground, name);
    const bareMs = await bareContainers.run(ground.testbed, template, COUNT);
    started.push(took.lastMs);
    deleted.push(deleteMs);
    bare.push(bareMs);
    context.report(
      `round ${round + 1}: ${COUNT} pods in ${took.lastMs.toFixed(0)} ms, bare ${bareMs.toFixed(0)} ms, deleted in ${deleteMs.toFixed(0)} ms`,
    );
  }
  const single: number[] = [];
  for (let at = 0; at < (context.isQuick ? 10 : 50); at += 1) {
    single.push((await startTimed(ground, { name: `one${at}`, replicas: 1 })).lastMs);
    await deleteTimed(ground, `one${at}`);
  }
  const burst = await startTimed(ground, { name: "burst", replicas: 50 });
  return {
    pods100_s: median(started) / 1000,
    baseline_s: median(bare) / 1000,
    ratio: median(started) / median(bare),
    single_p50_ms: median(single),
    single_p99_ms: percentile(single, 99),
    burst50_p99_ms: percentile(burst.eachMs, 99),
    delete100_s: median(deleted) / 1000,
  };
}
