import { assume } from "../scheduler/schedule.js";
import { type Bench, type BenchContext, type Goal, median, percentile } from "./harness.js";
import { idlePercent } from "./scheduler/idle.js";
import {
  type Bed,
  bedFor,
  collectGarbage,
  compareWithOracle,
  latenciesOf,
  pendingOf,
  rateOf,
  warmCluster,
} from "./scheduler/run.js";
import { WORKLOADS, type Workload } from "./scheduler/workload.js";

const at5000: Readonly<Record<string, number>> = {
  basicshapes: 300_000,
  basicdistinct: 50_000,
  nodeaffinity: 200_000,
  spread: 100_000,
  affinity: 100_000,
  antiaffinity: 100_000,
  preemption: 5_000,
  gang64: 20_000,
};

/** From how many nodes to how many the growth of what a pod costs is measured: at 500 the compiler still has its share. */
const SCALING = [5_000, 10_000] as const;

/** Before what is counted, at the same size: a leader's process has decided for hours, one that began just now takes half as long again for each pod. */
const WARM_ROUNDS = 3;

/** How fast the scheduler's library decides, every node filtered and scored for each pod; one process, one core, warm. */
export const scheduler: Bench = {
  name: "scheduler",
  summary: "decisions per second at 500, 5,000 and 10,000 nodes, by kind of workload; latency and memory",
  goals: [
    ...Object.entries(at5000).map(
      ([name, bound]): Goal => ({ metric: `${name}_5000_pods_s`, op: ">=", bound, stage: "full" }),
    ),
    // Less than linear: with twice the nodes a pod costs less than twice as much.
    ...Object.keys(at5000).map((name): Goal => ({ metric: `${name}_scaling`, op: "<=", bound: 2, stage: "full" })),
    { metric: "basic_5000_p99_ms", op: "<=", bound: 1, stage: "full" },
    { metric: "gang9000_ms", op: "<=", bound: 100, stage: "full" },
    { metric: "unschedulable_idle_pct", op: "<=", bound: 1, stage: "full" },
    { metric: "mb_10000", op: "<=", bound: 500, stage: "full" },
  ],
  run,
};

async function run({ isQuick, report, args }: BenchContext): Promise<Readonly<Record<string, number>>> {
  const metrics: Record<string, number> = {};
  const rounds = isQuick ? 1 : 3;
  const workloads = WORKLOADS.filter(({ name }) => args.length === 0 || args.includes(name));
  const warm: Bed[] = [];
  for (const workload of workloads.filter(({ name }) => name !== "gang9000" && name !== "unschedulable")) {
    if (workload.running === undefined && workload.gang === undefined) compareWithOracle(workload, 40, 200);
    warm.push(warmCluster(workload));
    for (const nodes of isQuick ? [500, 5_000] : [500, 5_000, 10_000]) {
      for (let round = 0; round < WARM_ROUNDS; round += 1) rateOf(workload, nodes);
      const rates = Array.from({ length: rounds }, () => rateOf(workload, nodes));
      const rate = median(rates);
      metrics[`${workload.name}_${nodes}_pods_s`] = rate;
      report(`${workload.name} at ${nodes} nodes: ${Math.round(rate)} pods/s`);
    }
    const [few = 0, many = 0] = SCALING.map((nodes) => metrics[`${workload.name}_${nodes}_pods_s`]);
    if (few * many > 0) metrics[`${workload.name}_scaling`] = few / many;
  }
  const [large] = workloads.filter(({ name }) => name === "gang9000");
  if (large !== undefined) {
    rateOf(large, 5_000);
    metrics["gang9000_ms"] = 9_000_000 / median(Array.from({ length: rounds }, () => rateOf(large, 5_000)));
  }
  report(`${warm.length} small clusters were kept meanwhile`);
  const [idle] = workloads.filter(({ name }) => name === "unschedulable");
  if (idle !== undefined) metrics["unschedulable_idle_pct"] = await idlePercent(idle, isQuick ? 1_000 : 10_000);
  const [basic] = workloads.filter(({ name }) => name === "basicshapes");
  if (basic === undefined) return metrics;
  metrics["basic_5000_p99_ms"] = percentile(latenciesOf(basic, 5_000, 20_000), 99);
  metrics["mb_10000"] = memoryOf(basic, 10_000);
  return metrics;
}

/** What a cluster full of pods takes on the heap, MB. */
function memoryOf(workload: Workload, nodes: number): number {
  const before = heapMb();
  const bed = bedFor(workload, nodes);
  for (let at = 0; at < workload.count(nodes); at += 1)
    assume(bed.snapshot, [pendingOf(bed, workload.pod(at, nodes))], bed.standings);
  const after = heapMb();
  return bed.snapshot.records.length === nodes ? after - before : Number.NaN;
}

function heapMb(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / 1e6;
}
