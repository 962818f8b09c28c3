import { expect, test } from "vitest";
import { pinoLog } from "../../lib/pino-log.js";
import { SimCluster } from "./sim-cluster.js";

const only = process.env["TALLSHIP_SEED"];
const count = Number(process.env["TALLSHIP_SEEDS"] ?? "200");
const seeds = only === undefined ? Array.from({ length: count }, (_, at) => at + 1) : [Number(only)];

test(`${seeds.length} clusters keep what must always hold under faults, and come to rest after them`, async () => {
  const failures: string[] = [];
  for (const seed of seeds) {
    const cluster =
      only === undefined
        ? new SimCluster(seed)
        : new SimCluster(seed, pinoLog("sim", process.env["LOG_LEVEL"] ?? "warn"));
    await cluster.run().catch((error: unknown) => {
      failures.push(
        `seed ${seed}: ${error instanceof Error ? error.message : error}; replay: TALLSHIP_SEED=${seed} npm run test:sim`,
      );
    });
    if (failures.length >= 3) break;
  }
  expect(failures).toEqual([]);
});

test("a seed replays the same to the last write", async () => {
  const seed = Number(only ?? "7");
  const [first, second] = [await new SimCluster(seed).run(), await new SimCluster(seed).run()];
  expect(second).toEqual(first);
});
