import { readFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";

/** What a metric should be. `first` is the goal of the first end-to-end version, `full` the goal of the finished part. */
export interface Goal {
  readonly metric: string;
  readonly op: "<=" | ">=";
  readonly bound: number;
  readonly stage: "first" | "full";
}

/** What a bench may know and say while it runs. */
export interface BenchContext {
  /** Fewer rounds, for a first look. */
  readonly isQuick: boolean;
  /** Tells people how far it is. */
  readonly report: (line: string) => void;
  /** Words after the bench's name. */
  readonly args: readonly string[];
}

/** A speed or size claim that can be run again. */
export interface Bench {
  readonly name: string;
  readonly summary: string;
  readonly goals: readonly Goal[];
  /** Measures; cleans up after itself, also after a failure. */
  run(context: BenchContext): Promise<Readonly<Record<string, number>>>;
}

/** A goal and whether it was met; undefined when the metric was not measured. */
export interface Verdict extends Goal {
  readonly met: boolean;
}

/** Compares metrics with goals; goals whose metric is absent are left out. */
export function judge(goals: readonly Goal[], metrics: Readonly<Record<string, number>>): readonly Verdict[] {
  return goals.flatMap((goal) => {
    const value = metrics[goal.metric];
    if (value === undefined) return [];
    return [{ ...goal, met: goal.op === "<=" ? value <= goal.bound : value >= goal.bound }];
  });
}

/** The middle value; for an even count the mean of the two middle ones. NaN when empty. */
export function median(values: readonly number[]): number {
  return percentile(values, 50);
}

/** The value below which this percentage of the values lies, interpolated. NaN when empty. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = ((sorted.length - 1) * percent) / 100;
  const low = sorted[Math.floor(at)] ?? Number.NaN;
  const high = sorted[Math.ceil(at)] ?? Number.NaN;
  return low + (high - low) * (at - Math.floor(at));
}

/** Rounds to three significant digits beyond the point where it matters. */
export function rounded(value: number): number {
  return Number(value.toPrecision(4));
}

/** Runs a bench and prints a table for people, then one line of JSON. */
export async function runBench(bench: Bench, context: BenchContext): Promise<void> {
  const measured = await bench.run(context);
  const metrics = Object.fromEntries(Object.entries(measured).map(([name, value]) => [name, rounded(value)]));
  const goals = judge(bench.goals, metrics);
  for (const [name, value] of Object.entries(metrics)) {
    const wanted = goals
      .filter(({ metric }) => metric === name)
      .map(({ op, bound, met, stage }) => `${met ? "ok" : "MISSED"} ${op} ${bound} (${stage})`);
    console.log(`${name.padEnd(28)} ${String(value).padStart(12)}  ${wanted.join(", ")}`);
  }
  console.log(JSON.stringify({ bench: bench.name, machine: machine(), metrics, goals }));
}

function machine(): Readonly<Record<string, string | number>> {
  return {
    cores: cpus().length,
    cpu: cpus()[0]?.model ?? "unknown",
    memoryMib: Math.round(totalmem() / 2 ** 20),
    kernel: readFileSync("/proc/sys/kernel/osrelease", "utf8").trim(),
    node: process.version,
  };
}

/** A measuring window: the one thing a bench waits for by time. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
