import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Etcd3 } from "etcd3";
import { stringify } from "yaml";
import { encodeObject, type Typed } from "../kinds/object.js";
import { readObjects } from "../kinds/read.js";
import { parseYaml } from "../kinds/yaml/parse.js";
import { startEtcd } from "../test/kit/etcd.js";
import { waitFor } from "../test/kit/wait.js";
import type { Testbed } from "../test/testbed/testbed.js";
import { type ApiClient, apiClient } from "./api-client.js";
import { type Bench, type BenchContext, median, percentile } from "./harness.js";
import { deploymentOf, withTestbed } from "./on-testbed.js";

/** How fast files become objects, and objects answers. */
export const apply: Bench = {
  name: "apply",
  summary:
    "10,000 ConfigMaps and 1,000 Deployments from a folder, a Deployment scaled to 1,000, lists and gets, and the YAML reader",
  goals: [
    { metric: "configmaps10k_s", op: "<=", bound: 15, stage: "full" },
    { metric: "baseline_ratio", op: "<=", bound: 4, stage: "full" },
    { metric: "reapply10k_s", op: "<=", bound: 8, stage: "full" },
    { metric: "deployments1000_s", op: "<=", bound: 5, stage: "full" },
    { metric: "scale1000_s", op: "<=", bound: 1.5, stage: "full" },
    { metric: "list10k_ms", op: "<=", bound: 400, stage: "full" },
    { metric: "get_p99_ms", op: "<=", bound: 20, stage: "full" },
    { metric: "decode_mb_s", op: ">=", bound: 4, stage: "full" },
  ],
  run,
};

const PUTS_IN_FLIGHT = 16;

/** As people write manifests: labels that stand twice are no anchor and alias. */
const PLAIN = { aliasDuplicateObjects: false };

async function run(context: BenchContext): Promise<Readonly<Record<string, number>>> {
  const count = context.isQuick ? 2_000 : 10_000;
  const configMaps = Array.from({ length: count }, (_, at) => configMap(at));
  context.report("reading YAML");
  const decode_mb_s = decodeSpeed(configMaps.slice(0, 2_000), context.isQuick ? 3 : 7);
  context.report(`bare etcd: ${count} puts`);
  const bareS = await barePuts(configMaps);
  return withTestbed(context, { hostCount: 1 }, async (testbed) => {
    const client = apiClient(testbed);
    try {
      return { ...(await measure(context, { testbed, client, configMaps, bareS })), decode_mb_s };
    } finally {
      client.close();
    }
  });
}

interface Ground {
  readonly testbed: Testbed;
  readonly client: ApiClient;
  readonly configMaps: readonly string[];
  readonly bareS: number;
}

async function measure(context: BenchContext, { testbed, client, configMaps, bareS }: Ground) {
  const folder = join(testbed.layout.runDir, "bench-apply");
  writeFolder(folder, configMaps);
  context.report(`applying ${configMaps.length} ConfigMaps`);
  const configmaps10k_s = await applySeconds(testbed, folder);
  context.report("applying them again");
  const reapply10k_s = await applySeconds(testbed, folder);
  context.report("gets and small lists among them");
  const get_p99_ms = await getP99(client, configMaps.length);
  const deployments = Array.from({ length: 1_000 }, (_, at) => stringify(waiting(`d${at}`, 0), PLAIN));
  writeFolder(folder, deployments);
  context.report("applying 1,000 Deployments of no pods");
  const deployments1000_s = await applySeconds(testbed, folder);
  rmSync(folder, { recursive: true });
  context.report("until their controllers are through with them");
  await observed(client, deployments.length);
  context.report("a Deployment from 0 to 1,000 pods, three times");
  const scales: number[] = [];
  for (let round = 0; round < 3; round += 1) scales.push(await scaleSeconds(client, `s${round}`));
  context.report(`listing ${configMaps.length} pods`);
  const list10k_ms = await listMs(client, configMaps.length);
  return {
    configmaps10k_s,
    bare_puts_s: bareS,
    baseline_ratio: configmaps10k_s / bareS,
    reapply10k_s,
    deployments1000_s,
    scale1000_s: median(scales),
    list10k_ms,
    get_p99_ms,
  };
}

function configMap(at: number): string {
  const lines = Array.from({ length: 16 }, (_, line) => `  key-${String(line).padStart(2, "0")}: ${"x".repeat(57)}`);
  return `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: config-${at}\n  labels:\n    app: bench\ndata:\n${lines.join("\n")}\n`;
}

/** A deployment whose pods no node takes: what is measured is objects, not processes. */
function waiting(name: string, replicas: number): unknown {
  return deploymentOf({ name, replicas, node: "nowhere" });
}

function writeFolder(folder: string, texts: readonly string[]): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  for (const [at, text] of texts.entries()) writeFileSync(join(folder, `${String(at).padStart(5, "0")}.yaml`), text);
}

async function applySeconds(testbed: Testbed, folder: string): Promise<number> {
  const startedAt = performance.now();
  await testbed.tsctl(["apply", "-f", folder]);
  return (performance.now() - startedAt) / 1_000;
}

/** Megabytes of YAML that one thread reads, decodes and validates in a second; the median of several rounds. */
function decodeSpeed(texts: readonly string[], rounds: number): number {
  const deployments = texts.slice(0, 500).map((_, at) => stringify(waiting(`d${at}`, 3), PLAIN));
  const text = [...texts, ...deployments].join("---\n");
  const speeds = Array.from({ length: rounds }, () => {
    const startedAt = performance.now();
    objectsOf(text);
    return Buffer.byteLength(text) / 1e6 / ((performance.now() - startedAt) / 1_000);
  });
  return median(speeds);
}

function objectsOf(text: string): readonly Typed[] {
  const options = { namespace: "default", isNamespaceAsked: false };
  const { objects, problems } = readObjects([parseYaml({ name: "bench", text })], options);
  if (problems.length > 0) throw new Error(JSON.stringify(problems[0]));
  return objects.map(({ typed }) => typed);
}

/** Seconds for puts of the bytes that are stored: the object, and in it what was applied. */
async function barePuts(texts: readonly string[]): Promise<number> {
  const values = objectsOf(texts.join("---\n")).map((typed) => {
    const bytes = encodeObject(typed);
    return Buffer.concat([bytes, bytes]);
  });
  const etcd = await startEtcd();
  const client = new Etcd3({ hosts: `http://${etcd.endpoint}` });
  try {
    const waitingPuts = values.entries();
    const startedAt = performance.now();
    const lane = async (): Promise<void> => {
      for (const [at, value] of waitingPuts) await client.put(`/bench/${at}`).value(value).exec();
    };
    await Promise.all(Array.from({ length: PUTS_IN_FLIGHT }, lane));
    return (performance.now() - startedAt) / 1_000;
  } finally {
    client.close();
    await etcd.remove();
  }
}

/** The slowest percent of gets of one object and lists of ten, one after another. */
async function getP99(client: ApiClient, count: number): Promise<number> {
  const took: number[] = [];
  for (let at = 0; at < 1_000; at += 1) {
    const startedAt = performance.now();
    const name = `config-${(at * 7_919) % count}`;
    if (at % 10 === 0) await drain(client, { kind: "ConfigMap", fields: `metadata.name=${name}` });
    else await client.objects.get({ name: { kind: "ConfigMap", namespace: "default", name }, minRevision: 0 });
    took.push(performance.now() - startedAt);
  }
  return percentile(took, 99);
}

async function drain(
  client: ApiClient,
  selection: { readonly kind: string; readonly fields?: string },
): Promise<number> {
  const whole = { namespace: "default", labels: "", fields: "", ...selection };
  let found = 0;
  for await (const { items } of client.objects.list({ selection: whole, minRevision: 0 })) found += items.length;
  return found;
}

/** From the apply that asks for 1,000 pods until a client has seen the last of them. */
async function scaleSeconds(client: ApiClient, name: string): Promise<number> {
  await client.apply([waiting(name, 0)]);
  const seen = new Set<string>();
  const stop = await client.watch({ kind: "Pod", labels: `app=${name}` }, (pod, typed) => {
    if (typed !== undefined) seen.add(pod);
  });
  const startedAt = performance.now();
  await client.apply([waiting(name, 1_000)]);
  await waitFor("1,000 pods", () => seen.size === 1_000, { deadlineMs: 60_000, everyMs: 5 });
  const tookS = (performance.now() - startedAt) / 1_000;
  stop();
  return tookS;
}

/** Resolves when the status of so many Deployments was written: what follows is measured without their share. */
async function observed(client: ApiClient, count: number): Promise<void> {
  const seen = new Set<string>();
  const stop = await client.watch({ kind: "Deployment" }, (name, typed) => {
    if (typed?.kind === "Deployment" && (typed.object.status?.observedGeneration ?? 0) > 0) seen.add(name);
  });
  await waitFor(`${count} observed Deployments`, () => seen.size >= count, { deadlineMs: 120_000, everyMs: 20 });
  stop();
}

/** A list of all pods, of which there are then at least `count`; the median of several. */
async function listMs(client: ApiClient, count: number): Promise<number> {
  const there = await drain(client, { kind: "Pod" });
  await client.apply([waiting("many", Math.max(0, count - there))]);
  await waitFor("all pods", async () => (await drain(client, { kind: "Pod" })) >= count, {
    deadlineMs: 120_000,
    everyMs: 500,
  });
  const took: number[] = [];
  for (let round = 0; round < 5; round += 1) {
    const startedAt = performance.now();
    await drain(client, { kind: "Pod" });
    took.push(performance.now() - startedAt);
  }
  return median(took);
}
