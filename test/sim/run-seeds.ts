import { expect } from "vitest";
import { pinoLog } from "../../lib/pino-log.js";
import { SimCluster, type SimResult } from "./sim-cluster.js";

/** The one seed that the user asks for with TALLSHIP_SEED; undefined to run them all. */
export const asked: number | undefined =
  process.env["TALLSHIP_SEED"] === undefined ? undefined : Number(process.env["TALLSHIP_SEED"]);

/** Enough failures to see whether they are alike; each takes long. */
const ENOUGH_FAILURES = 3;

/** Runs one cluster; with LOG_LEVEL, what it logs is printed. */
export function runSeed(seed: number): Promise<SimResult> {
  const level = process.env["LOG_LEVEL"];
  return (level === undefined ? new SimCluster(seed) : new SimCluster(seed, pinoLog("sim", level))).run();
}

/** Expects every seed to keep what must hold and to come to rest; a failure names the command that replays it. */
export async function expectAllHold(seeds: readonly number[]): Promise<void> {
  const failures: string[] = [];
  for (const seed of seeds) {
    await runSeed(seed).catch((error: unknown) => failures.push(failureOf(seed, error)));
    if (failures.length >= ENOUGH_FAILURES) break;
  }
  expect(failures).toEqual([]);
}

function failureOf(seed: number, error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return `seed ${seed}: ${message}; replay: TALLSHIP_SEED=${seed} npm run test:sim`;
}

/** `count` seeds from `first`, every `step`-th. */
export function seedsFrom(first: number, count: number, step = 1): readonly number[] {
  return Array.from({ length: count }, (_, at) => first + at * step);
}
