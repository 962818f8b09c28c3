import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { TallshipError } from "../lib/errors.js";
import { seededRng } from "../lib/rng.js";
import { type Bench, type BenchContext, type Goal, median } from "./harness.js";
import { generateTrace, MIXES } from "./packing/generate.js";
import { LOADS, nodesAtBest, nodesAtLeast, nodesByBestFitDecreasing, nodesByTallship } from "./packing/nodes-used.js";
import { POLICIES } from "./packing/policies.js";
import { type NamedText, readNodes, readPods } from "./packing/read-trace.js";
import { allocated } from "./packing/run.js";
import type { Trace } from "./packing/trace.js";

const GOALS: readonly Goal[] = [
  { metric: "least_margin_100", op: ">=", bound: 0, stage: "full" },
  { metric: "least_margin_130", op: ">=", bound: 0, stage: "full" },
  { metric: "nodes_over_bfd_pct", op: "<=", bound: 3, stage: "full" },
  { metric: "over_optimal_pct", op: "<=", bound: 2, stage: "full" },
];

/** How much of a cluster's GPUs different policies give out, and how many nodes are used; the product's own code beside the published policies. */
export const packing: Bench = {
  name: "packing",
  summary:
    "share of GPUs given out by policy, on traces or --nodes NODES.csv --pods PODS.csv [--arrivals 1.3 --seed 42 --seeds 10]; nodes used",
  goals: GOALS,
  run,
};

type Metrics = Record<string, number>;

async function run({ isQuick, report, args }: BenchContext): Promise<Metrics> {
  const { traces, arrivals, seed, seeds } = optionsOf(args, isQuick);
  const metrics: Metrics = {};
  const shares = POLICIES.map(() => [] as (readonly [number, number])[]);
  const label = Math.round(100 * arrivals);
  const margins: (readonly [number, number])[] = [];
  for (const trace of traces) {
    const own = POLICIES.map(({ name, placer }, at) => {
      const runs = Array.from({ length: seeds }, (_, round) =>
        allocated(trace, { placer: placer(trace, seed + round), seed: seed + round, arrivals }),
      );
      const mean = (of: (run: (typeof runs)[number]) => number): number =>
        (100 * runs.reduce((sum, each) => sum + of(each), 0)) / runs.length;
      const share = [mean(({ atCapacity }) => atCapacity), mean(({ atEnd }) => atEnd)] as const;
      report(
        `${trace.name.padEnd(10)} ${name.padEnd(11)} ${share[0].toFixed(2)} % at 1.0, ${share[1].toFixed(2)} % at ${arrivals}`,
      );
      shares[at]?.push(share);
      return share;
    });
    const best = (place: 0 | 1): number => Math.max(...own.slice(0, -1).map((share) => share[place]));
    margins.push([(own.at(-1)?.[0] ?? 0) - best(0), (own.at(-1)?.[1] ?? 0) - best(1)]);
  }
  for (const [at, { name }] of POLICIES.entries()) {
    const all = shares[at] ?? [];
    const mean = (place: 0 | 1): number => all.reduce((sum, share) => sum + share[place], 0) / all.length;
    metrics[`alloc_${name}_100`] = mean(0);
    metrics[`alloc_${name}_${label}`] = mean(1);
  }
  metrics["least_margin_100"] = Math.min(...margins.map(([atCapacity]) => atCapacity));
  metrics[`least_margin_${label}`] = Math.min(...margins.map(([, atEnd]) => atEnd));
  return { ...metrics, ...nodesUsed(isQuick, seed, report) };
}

function nodesUsed(isQuick: boolean, seed: number, report: (line: string) => void): Metrics {
  const rounds = isQuick ? 3 : 10;
  const over: Readonly<Record<"decreasing" | "apart" | "least", number[]>> = { decreasing: [], apart: [], least: [] };
  for (const { name, make } of LOADS) {
    const counts = Array.from({ length: rounds }, (_, round) => {
      const pods = make(1_000, seed + round);
      const [own, apart] = [nodesByTallship(pods, "together"), nodesByTallship(pods, "apart")];
      return { own, apart, decreasing: nodesByBestFitDecreasing(pods), least: nodesAtLeast(pods) };
    });
    const [decreasing, apart, least] = [
      median(counts.map((each) => percentOver(each.own, each.decreasing))),
      median(counts.map((each) => percentOver(each.apart, each.decreasing))),
      median(counts.map((each) => percentOver(each.own, each.least))),
    ];
    over.decreasing.push(decreasing);
    over.apart.push(apart);
    over.least.push(least);
    report(
      `${name.padEnd(10)} ${decreasing.toFixed(2)} % more nodes than best-fit-decreasing, ${apart.toFixed(2)} % when pods come one by one; ${least.toFixed(2)} % more than at least`,
    );
  }
  let [own, apart, best] = [0, 0, 0];
  for (let at = 0; at < (isQuick ? 100 : 500); at += 1) {
    const pods = LOADS[at % LOADS.length]?.make(12, seed + at) ?? [];
    own += nodesByTallship(pods, "together");
    apart += nodesByTallship(pods, "apart");
    best += nodesAtBest(pods);
  }
  return {
    nodes_over_bfd_pct: Math.max(...over.decreasing),
    nodes_over_bfd_onebyone_pct: Math.max(...over.apart),
    nodes_over_bound_pct: Math.max(...over.least),
    over_optimal_pct: percentOver(own, best),
    over_optimal_onebyone_pct: percentOver(apart, best),
  };
}

function percentOver(own: number, other: number): number {
  return 100 * (own / other - 1);
}

interface Options {
  readonly traces: readonly Trace[];
  readonly arrivals: number;
  readonly seed: number;
  readonly seeds: number;
}

function optionsOf(args: readonly string[], isQuick: boolean): Options {
  const text = { type: "string" } as const;
  const { values } = parseArgs({
    args: [...args],
    options: { nodes: text, pods: text, arrivals: text, seed: text, seeds: text },
  });
  const seed = numberOf("seed", values.seed ?? "42", 0);
  const common = {
    arrivals: numberOf("arrivals", values.arrivals ?? "1.3", 1),
    seed,
    seeds: numberOf("seeds", values.seeds ?? (isQuick ? "2" : "10"), 1),
  };
  if ((values.nodes === undefined) !== (values.pods === undefined))
    throw new TallshipError("invalid_argument", "bench packing: --nodes and --pods come together");
  if (values.nodes !== undefined && values.pods !== undefined) {
    const nodes = readNodes(fileAt(values.nodes));
    const pods = readPods(fileAt(values.pods));
    return { ...common, traces: [{ name: "given", nodes, pods }] };
  }
  const size = isQuick ? { scale: 0.05, pods: 2_000 } : { scale: 0.2, pods: 8_000 };
  return { ...common, traces: MIXES.map((mix) => generateTrace(mix, seededRng(seed), size)) };
}

function numberOf(name: string, text: string, least: number): number {
  const value = Number(text);
  if (text.trim() !== "" && value >= least && Number.isFinite(value)) return value;
  throw new TallshipError(
    "invalid_argument",
    `bench packing: --${name}: want a number from ${least}, found ${JSON.stringify(text)}`,
  );
}

function fileAt(name: string): NamedText {
  try {
    return { name, text: readFileSync(name, "utf8") };
  } catch (error) {
    throw new TallshipError("invalid_argument", `bench packing: ${name} cannot be read`, { cause: error });
  }
}
