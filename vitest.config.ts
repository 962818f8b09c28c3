import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import { LongestFirst } from "./scripts/longest-first.mjs";

/** Files side by side whose tests compute: left to itself vitest keeps a core free, which of two is half. */
const CORES = availableParallelism();
/** Files side by side whose tests wait for the kernel and for programs half of their time. */
const WAITING = Math.min(CORES + 1, 8);
/** Testbeds side by side: one waits most of its time. */
const TESTBEDS = Math.min(CORES + 2, 8);

/** How long a test waits for what it asserts, and how long between two looks, unless it says so itself: where others keep the machine busy, longer than anything takes that is well. */
function waiting(ms: number, pollMs: number) {
  return {
    env: { TEST_WAIT_MS: `${ms}`, TEST_POLL_MS: `${pollMs}` },
    expect: { poll: { timeout: ms, interval: 100 } },
  };
}

/** Projects that are asked for at once run one after the other: each has as many files side by side as suit it. Tests that need real time, root and the kernel run in the project "cluster"; all others use simulated edges. */
export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: "unit",
          sequence: { groupOrder: 0 },
          include: ["{lib,kinds,scheduler,controlplane,agent,net,cli,test,scripts}/**/*.test.ts", "bench/**/*.test.ts"],
          exclude: [
            "test/{sim,testbed,e2e,chaos,integration}/**",
            "**/*.real.test.ts",
            "**/*.long.test.ts",
            "node_modules/**",
          ],
          // It catches what hangs; what computes is slow where others compute too.
          testTimeout: 60_000,
          setupFiles: ["./test/kit/one-seed.ts"],
          maxWorkers: CORES,
          // Modules hold nothing that a test could change: loading them anew for each of 400 files took longer than the tests.
          isolate: false,
        },
      },
      {
        test: {
          name: "real",
          sequence: { groupOrder: 1 },
          include: ["**/*.real.test.ts", "test/integration/**/*.test.ts"],
          exclude: ["**/*.long.test.ts", "node_modules/**"],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          ...waiting(30_000, 20),
          maxWorkers: WAITING,
        },
      },
      {
        test: {
          name: "sim",
          sequence: { groupOrder: 2 },
          include: ["test/sim/**/*.test.ts"],
          exclude: ["**/*.long.test.ts", "node_modules/**"],
          testTimeout: 180_000,
          maxWorkers: CORES,
        },
      },
      {
        test: {
          name: "cluster",
          sequence: { groupOrder: 3 },
          include: ["test/{testbed,e2e,chaos}/**/*.test.ts"],
          exclude: ["**/*.long.test.ts", "node_modules/**"],
          testTimeout: 180_000,
          hookTimeout: 180_000,
          ...waiting(60_000, 100),
          maxWorkers: TESTBEDS,
        },
      },
      {
        test: {
          name: "long",
          sequence: { groupOrder: 4 },
          include: ["**/*.long.test.ts"],
          exclude: ["node_modules/**"],
          testTimeout: 1_800_000,
          hookTimeout: 300_000,
          ...waiting(60_000, 100),
        },
      },
    ],
  },
});
