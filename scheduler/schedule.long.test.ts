import { test } from "vitest";
import { tellOfChanges, tellOfLoads } from "../test/kit/schedule-story.js";

// What schedule.test.ts tells a few stories of in every run. The seed of a story that fails is printed; it becomes a row here.
const seeds = [1, 2, 3, 4, 5];

for (const policy of ["spread", "pack"] as const)
  for (const seed of seeds) {
    test(`policy ${policy}, seed ${seed}: 2,000 random clusters are scheduled as the naive definition would`, () => {
      tellOfChanges(policy, { seed, numRuns: 2_000 });
      tellOfLoads(policy, { seed, numRuns: 500 });
      tellOfLoads(policy, { seed, numRuns: 100, nodes: 80 });
    });
  }
