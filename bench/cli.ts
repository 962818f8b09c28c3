import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { ROOT } from "../test/kit/root.js";
import type { Testbed } from "../test/testbed/testbed.js";
import { type Bench, type BenchContext, median } from "./harness.js";
import { deploy, withTestbed } from "./on-testbed.js";

/** How long the client takes to answer. */
export const cli: Bench = {
  name: "cli",
  summary: "tsctl version --client, and tsctl get pods of 30",
  goals: [
    { metric: "version_ms", op: "<=", bound: 80, stage: "first" },
    { metric: "version_ms", op: "<=", bound: 60, stage: "full" },
    { metric: "get_pods_ms", op: "<=", bound: 150, stage: "full" },
  ],
  run,
};

async function run(context: BenchContext): Promise<Readonly<Record<string, number>>> {
  const rounds = context.isQuick ? 10 : 40;
  const version = timeTsctl(["version", "--client"], rounds, process.env);
  const node = timeCommand([process.execPath, "-e", "0"], rounds, process.env);
  return withTestbed(context, { hostCount: 1 }, async (testbed: Testbed) => {
    await deploy(testbed, { name: "cli", replicas: 30 });
    const env = { ...process.env, TSCTL_CONFIG: testbed.configPath };
    return { version_ms: version, get_pods_ms: timeTsctl(["get", "pods"], rounds, env), bare_node_ms: node };
  });
}

function timeTsctl(args: readonly string[], rounds: number, env: NodeJS.ProcessEnv): number {
  return timeCommand([join(ROOT, "bin/tsctl"), ...args], rounds, env);
}

/** Median wall time of a command, milliseconds. */
function timeCommand([command = "", ...args]: readonly string[], rounds: number, env: NodeJS.ProcessEnv): number {
  const { NODE_EXTRA_CA_CERTS: _slow, ...clean } = env;
  const took = Array.from({ length: rounds }, () => {
    const startedAt = performance.now();
    const { status, stderr } = spawnSync(command, args, { env: clean, encoding: "utf8" });
    if (status !== 0) throw new Error(`${command} ${args.join(" ")}: ${stderr}`);
    return performance.now() - startedAt;
  });
  return median(took);
}
