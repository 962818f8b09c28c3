import { rm } from "node:fs/promises";
import type { NetworkMap, NodeNetwork } from "../net/node-network.js";
import { netnsPath } from "../net/node-network.js";
import { type BundledProgram, bundleProgram } from "../test/kit/bundle.js";
import { type Lab, makeLab } from "../test/kit/network-lab.js";
import { networkMap, nodeObject, sliceObject } from "../test/kit/network-world.js";
import { run as runProgram } from "../test/kit/shell.js";
import { waitFor } from "../test/kit/wait.js";
import { type Bench, type BenchContext, median } from "./harness.js";
import { ENDPOINTS, PORT, services } from "./many-services.js";

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
const VIP = "10.97.0.0";

async function run(context: BenchContext): Promise<Readonly<Record<string, number>>> {
  const lab = await makeLab(1);
  const program = await bundleProgram(
    `import { timeConnects } from "./bench/connect-times.js"; timeConnects(process.argv[2], Number(process.argv[3]), process.argv.slice(4));`,
  );
  const holder = await bundleProgram(HOLDER);
  try {
    const pods = Array.from({ length: ENDPOINTS }, (_, at) => `e${at}`);
    for (const [at, name] of pods.entries()) {
      const pod = await lab.host(1).pod(name, 20 + at);
      await pod.probe.serve("tcp", PORT);
    }
    await lab.host(1).pod("client", 10);
    const metrics: Record<string, number> = {};
    for (const count of COUNTS) metrics[`connect_ratio_${count}`] = await connectRatio(lab, program, count, context);
    const changes = await updates(lab.host(1).network, context);
    const resyncMs = await resync(lab);
    const extraMib = (await heldMib(holder, 10_000)) - (await heldMib(holder, 10));
    return { ...metrics, update_ms: changes, resync10k_s: resyncMs / 1_000, agent_extra_mb: extraMib };
  } finally {
    await lab.dispose();
    for (const { folder } of [program, holder]) await rm(folder, { recursive: true, force: true });
  }
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

/** Median of what it takes until an endpoint that is not ready any more, or again, is in the kernel, with 10,000 services. */
async function updates(network: NodeNetwork, context: BenchContext): Promise<number> {
  const whole = mapOf(10_000);
  await applied(network, whole);
  const took: number[] = [];
  let map = whole;
  for (let round = 0; round < (context.isQuick ? 20 : 100); round += 1) {
    const [first] = services(1);
    const endpoints = (first?.endpoints ?? []).map((each, at) => (at === 0 && round % 2 === 0 ? `-${each}` : each));
    const slice = sliceObject({ name: "s0", ports: [{ port: 80, targetPort: PORT }], endpoints });
    lastRevision += 1;
    map = { ...map, revision: lastRevision, endpointSlices: new Map(map.endpointSlices).set("default/s0-a", slice) };
    took.push(await applied(network, map));
  }
  return median(took);
}

/** An agent that starts anew and gets the map of 10,000 services: milliseconds until the kernel has it. */
async function resync(lab: Lab): Promise<number> {
  const network = await lab.host(1).restart();
  const resyncMs = await applied(network, mapOf(10_000));
  await waitFor("the table to be right", async () => (await network.repair()) === 0, { deadlineMs: 60_000 });
  return resyncMs;
}

/** What an agent holds of so many services, in a process that holds nothing else. */
async function heldMib(program: BundledProgram, count: number): Promise<number> {
  return Number(await runProgram(process.execPath, ["--expose-gc", program.path, String(count)]));
}

const HOLDER = `import { readFileSync } from "node:fs";
import { services } from "./bench/many-services.js";
import { hairpins } from "./net/proxy/held-addresses.js";
import { ProxyState } from "./net/proxy/proxy-state.js";
import { networkMap, nodeObject, PROXY_SITE } from "./test/kit/network-world.js";
const map = networkMap(1, [nodeObject(4)], services(Number(process.argv[2])));
const state = new ProxyState(PROXY_SITE, hairpins());
state.update(map);
let elements = 0;
for (const _ of state.elements()) elements += 1;
gc();
gc();
const pss = Number(/^Pss:\\s+(\\d+) kB/m.exec(readFileSync("/proc/self/smaps_rollup", "utf8"))[1]) / 1024;
console.log(pss, map.services.size > elements ? "" : "");`;
