import { ExecInput } from "../proto/gen/tallship/v1/streams.js";
import type { Testbed } from "../test/testbed/testbed.js";
import { type ApiClient, apiClient } from "./api-client.js";
import { type Bench, type BenchContext, median, percentile } from "./harness.js";
import { deploy, podsOf, withTestbed } from "./on-testbed.js";

/** How much a command in a container costs over the bare runtime's, by the API and by the whole of tsctl. */
export const exec: Bench = {
  name: "exec",
  summary: "exec of `true` in a running container over bare crun exec on its host",
  goals: [{ metric: "overhead_p50_ms", op: "<=", bound: 40, stage: "full" }],
  run,
};

function run(context: BenchContext): Promise<Readonly<Record<string, number>>> {
  return withTestbed(context, { hostCount: 2 }, async (testbed) => {
    await deploy(testbed, { name: "idle", replicas: 1, node: "host2", command: ["sleep", "1000000"] });
    const [pod] = await podsOf(testbed, "idle");
    if (pod === undefined) throw new Error("no pod");
    const client = apiClient(testbed);
    const rounds = context.isQuick ? 30 : 200;
    try {
      const called = await timesOf(rounds, () => execOnce(client, pod.name));
      const bare = await bareTimes(testbed, pod.name, rounds);
      const whole = await timesOf(context.isQuick ? 10 : 40, async () => {
        await testbed.tsctl(["exec", pod.name, "true"]);
      });
      return {
        overhead_p50_ms: median(called) - median(bare),
        exec_p50_ms: median(called),
        exec_p99_ms: percentile(called, 99),
        baseline_p50_ms: median(bare),
        tsctl_p50_ms: median(whole),
      };
    } finally {
      client.close();
    }
  });
}

async function timesOf(rounds: number, once: () => Promise<void>): Promise<readonly number[]> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const from = performance.now();
    await once();
    times.push(performance.now() - from);
  }
  return times;
}

async function execOnce(client: ApiClient, pod: string): Promise<void> {
  async function* inputs(): AsyncGenerator<ExecInput> {
    yield ExecInput.fromPartial({ part: { $case: "start", value: { namespace: "default", pod, command: ["true"] } } });
  }
  for await (const { part } of client.streams.exec(inputs()))
    if (part?.$case === "exitCode" && part.value !== 0) throw new Error(`exec true: exit ${part.value}`);
}

/** Milliseconds of each run, by the clock of the shell that runs them. */
async function bareTimes(testbed: Testbed, pod: string, rounds: number): Promise<readonly number[]> {
  const { metadata, spec } = JSON.parse(await testbed.tsctl(["get", "pod", pod, "-o", "json"]));
  const command = `crun --root=/run/tallship/runtime exec ${metadata.uid}_main_0 true`;
  const script = `for i in $(seq ${rounds}); do a=$(date +%s%N); ${command} || exit 1; b=$(date +%s%N); echo $((b - a)); done`;
  const { stdout, stderr, exitCode } = await testbed.exec(spec.nodeName, ["sh", "-c", script]);
  if (exitCode !== 0) throw new Error(`bare exec: ${stderr}`);
  // What the shell and its two calls of date take is no part of it.
  const idle = `for i in $(seq ${rounds}); do a=$(date +%s%N); b=$(date +%s%N); echo $((b - a)); done`;
  const empty = (await testbed.exec(spec.nodeName, ["sh", "-c", idle])).stdout;
  const offMs = median(millisecondsIn(empty));
  return millisecondsIn(stdout).map((ms) => ms - offMs);
}

function millisecondsIn(text: string): readonly number[] {
  return text
    .trim()
    .split("\n")
    .map((nanoseconds) => Number(nanoseconds) / 1e6);
}
