import { hasCode } from "../lib/errors.js";
import { type Bench, runBench } from "./harness.js";

/** Every bench there is, loaded when it is run. */
const BENCHES: Readonly<Record<string, () => Promise<Bench>>> = {
  apply: async () => (await import("./apply.js")).apply,
  bind: async () => (await import("./bind.js")).bind,
  cli: async () => (await import("./cli.js")).cli,
  density: async () => (await import("./density.js")).density,
  fabric: async () => (await import("./fabric.js")).fabric,
  footprint: async () => (await import("./footprint.js")).footprint,
  scale: async () => (await import("./scale.js")).scale,
  scheduler: async () => (await import("./scheduler.js")).scheduler,
  store: async () => (await import("./store.js")).store,
  encryption: async () => (await import("./encryption.js")).encryption,
  overlay: async () => (await import("./overlay.js")).overlay,
  unpack: async () => (await import("./unpack.js")).unpack,
  packing: async () => (await import("./packing.js")).packing,
  "pod-links": async () => (await import("./pod-links.js")).podLinks,
  dns: async () => (await import("./dns.js")).dns,
  swarm: async () => (await import("./swarm.js")).swarm,
  service: async () => (await import("./service.js")).service,
  policy: async () => (await import("./policy.js")).policy,
  rollout: async () => (await import("./rollout.js")).rollout,
  ingress: async () => (await import("./ingress.js")).ingress,
  logs: async () => (await import("./logs.js")).logs,
  exec: async () => (await import("./exec.js")).exec,
  "pod-start": async () => (await import("./pod-start.js")).podStart,
};

const words = process.argv.slice(2);
const [name, ...args] = words.filter((word) => word !== "--quick");
const load = name === undefined ? undefined : BENCHES[name];
if (name === undefined) {
  for (const each of Object.values(BENCHES)) {
    const bench = await each();
    console.log(`${bench.name.padEnd(12)} ${bench.summary}`);
  }
} else if (load === undefined) {
  console.error(`no bench ${name}; there are ${Object.keys(BENCHES).join(", ")}`);
  process.exitCode = 2;
} else {
  try {
    await runBench(await load(), { isQuick: words.includes("--quick"), report: (line) => console.error(line), args });
  } catch (error) {
    // What the words after the name are wrong about, and what the machine lacks, is said in a line; all else with its stack.
    if (!hasCode(error, "invalid_argument") && !hasCode(error, "failed_precondition")) throw error;
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 2;
  }
}
