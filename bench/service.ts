import { rm } from "node:fs/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { NetworkMap, NodeNetwork } from "../net/node-network.js";
import { netnsPath } from "../net/node-network.js";
import { type BundledProgram, bundleProgram } from "../test/kit/bundle.js";
import { type Lab, makeLab } from "../test/kit/network-lab.js";
import { networkMap, nodeObject, sliceObject, type TestService } from "../test/kit/network-world.js";
import { run as runProgram } from "../test/kit/shell.js";
import { waitFor } from "../test/kit/wait.js";
import { type Bench, type BenchContext, median } from "./harness.js";
import { pssMib } from "./proc.js";

/** What services cost: the connection through a virtual address, the change of an endpoint, the start of an agent, memory. */
export const service: Bench = {
  name: "service",
  summary:
    "TCP connect through a service over direct, with 10 to 10,000 services of 10 endpoints; one change; full resync; memory",
  goals: [
    ...[10, 1_000, 10_000].map(
      (count) => ({ metric: `connect_ratio_${count}`, op: "<=", bound: 1.1, stage: "full" }) as const,
    ),
    { metric: "update_ms", op: "<=", bound: 10, stage: "full" },
    { metric: "resync10k_s", op: "<=", bound: 1.5, stage: "full" },
    { metric: "agent_extra_mb", op: "<=", bound: 120, stage: "full" },
  ],
  run,
};

const COUNTS = [10, 1_000, 10_000] as const;
const ENDPOINTS = 10;
const PORT = 8080;
const VIP = "10.97.0.0";

async function run(context: BenchContext): Promise<Readonly<Record<string, number>>> {
  const lab = await makeLab(1);
  const program = await bundleProgram(
    `import { timeConnects } from "./bench/connect-times.js"; timeConnects(process.argv[2], Number(process.argv[3]), process.argv.slice(4));`,
  );
  try {
    const pods = Array.from({ length: ENDPOINTS }, (_, at) => `e${at}`);
    for (const [at, name] of pods.entries()) {
      const pod = await lab.host(1).pod(name, 20 + at);
      await pod.probe.serve("tcp", PORT);
    }
    await lab.host(1).pod("client", 10);
    const before = memoryMib();
    const metrics: Record<string, number> = {};
    for (const count of COUNTS) metrics[`connect_ratio_${count}`] = await connectRatio(lab, program, count, context);
    const changes = await updates(lab.host(1).network, context);
    const { resyncMs, agentMib } = await resync(lab);
    return { ...metrics, update_ms: changes, resync10k_s: resyncMs / 1_000, agent_extra_mb: agentMib - before };
  } finally {
    await lab.dispose();
    await rm(program.folder, { recursive: true, force: true });
  }
}

/** Services whose endpoints are all the same ten pods; the first is the one that is asked. */
function services(count: number): readonly TestService[] {
  const endpoints = Array.from({ length: ENDPOINTS }, (_, at) => `10.128.1.${20 + at}`);
  return Array.from({ length: count }, (_, at) => ({
    name: `s${at}`,
    clusterIP: `10.97.${at >> 8}.${at & 255}`,
    ports: [{ port: 80, targetPort: PORT }],
    endpoints,
  }));
}

/** Gives the network a map and waits until the kernel has it; returns how long that took. */
async function applied(network: NodeNetwork, map: NetworkMap): Promise<number> {
  const startedMs = performance.now();
  let done = false;
  const reached = new Promise<void>((resolve) => {
    network.onApplied((revision) => {
      if (revision < map.revision || done) return;
      done = true;
      resolve();
    });
  });
  network.setMap(map);
  await reached;
  return performance.now() - startedMs;
}

let lastRevision = 1_000;

function mapOf(count: number): NetworkMap {
  lastRevision += 1;
  return networkMap(lastRevision, [nodeObject(1)], services(count));
}

async function connectRatio(lab: Lab, program: BundledProgram, count: number, context: BenchContext): Promise<number> {
  await applied(lab.host(1).network, mapOf(count));
  const { namespace } = lab.host(1);
  const pin = netnsPath(`${namespace.folder}/run`, "client");
  const direct = Array.from({ length: ENDPOINTS }, (_, at) => `10.128.1.${20 + at}:${PORT}`);
  const connects = context.isQuick ? 300 : 1_000;
  const ratios: number[] = [];
  for (let round = 0; round < (context.isQuick ? 3 : 9); round += 1) {
    const words = [`--net=${pin}`, process.execPath, program.path, `${VIP}:80`, String(connects), ...direct];
    const [through = 0, straight = 1] = JSON.parse(await runProgram("nsenter", words)) as readonly number[];
    context.report(`${count} services: ${through.toFixed(1)} us through the service, ${straight.toFixed(1)} us direct`);
    ratios.push(through / straight);
  }
  return median(ratios);
}

/** Median of what one endpoint's going and coming takes, with 10,000 services. */
async function updates(network: NodeNetwork, context: BenchContext): Promise<number> {
  const whole = mapOf(10_000);
  await applied(network, whole);
  const took: number[] = [];
  let map = whole;
  for (let round = 0; round < (context.isQuick ? 20 : 100); round += 1) {
    const [first] = services(1);
    const endpoints = round % 2 === 0 ? (first?.endpoints ?? []).slice(1) : first?.endpoints;
    const slice = sliceObject({ name: "s0", ports: [{ port: 80, targetPort: PORT }], endpoints: endpoints ?? [] });
    lastRevision += 1;
    map = { ...map, revision: lastRevision, endpointSlices: new Map(map.endpointSlices).set("default/s0-a", slice) };
    took.push(await applied(network, map));
  }
  return median(took);
}

/** An agent that starts anew and gets the map of 10,000 services: until the kernel has it, and what it holds then. */
async function resync(lab: Lab): Promise<{ readonly resyncMs: number; readonly agentMib: number }> {
  const network = await lab.host(1).restart();
  const resyncMs = await applied(network, mapOf(10_000));
  await waitFor("the table to be right", async () => (await network.repair()) === 0, { deadlineMs: 60_000 });
  return { resyncMs, agentMib: memoryMib() };
}

/** Memory of this process and of the tools that it keeps alive, after what is garbage was collected. */
function memoryMib(): number {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
  return pssMib(process.pid);
}
