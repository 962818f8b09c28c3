import { seededRng } from "../lib/rng.js";
import { tarEntry } from "../lib/tar/entry.js";
import { tarArchive } from "../lib/tar/tar-writer.js";
import type { BuiltImage } from "../test/kit/built-image.js";
import { busyboxTar } from "../test/kit/busybox-image.js";
import { buildImage, builtLayer } from "../test/kit/image-builder.js";
import { run as runCommand } from "../test/kit/shell.js";
import { waitFor } from "../test/kit/wait.js";
import type { Testbed } from "../test/testbed/testbed.js";
import { type Bench, type BenchContext, median } from "./harness.js";
import { apply, withTestbed } from "./on-testbed.js";

/** How an image comes to many nodes at once: what leaves the registry, and how long it takes over one node alone. */
export const fabric: Bench = {
  name: "fabric",
  summary:
    "an image of 200 MB to 5 nodes at once over links of 200 Mbit/s: bytes from the registry, time over one node's",
  goals: [
    { metric: "registry_bytes_ratio", op: "<=", bound: 1.05, stage: "full" },
    { metric: "wall_ratio", op: "<=", bound: 1.5, stage: "full" },
  ],
  run,
};

const HOSTS = 5;
const LAYERS = 4;
const RATE = "200mbit";

function run(context: BenchContext): Promise<Readonly<Record<string, number>>> {
  return withTestbed(context, { hostCount: HOSTS }, async (testbed) => {
    await shape(testbed);
    const rounds = context.isQuick ? 1 : 3;
    const one: Pulled[] = [];
    const all: Pulled[] = [];
    for (let round = 0; round < rounds; round += 1) {
      one.push(await pull(testbed, { name: `one${round}`, seed: 2 * round + 1, hostCount: 1 }));
      all.push(await pull(testbed, { name: `all${round}`, seed: 2 * round + 2, hostCount: HOSTS }));
      const told = [one.at(-1), all.at(-1)].map(
        (each) => `${((each?.wallMs ?? 0) / 1_000).toFixed(2)} s, ${each?.bytesRatio.toFixed(3)}`,
      );
      context.report(`round ${round + 1}: one node ${told[0]} times the image, ${HOSTS} nodes ${told[1]} times`);
    }
    const [oneMs, allMs] = [one, all].map((each) => median(each.map(({ wallMs }) => wallMs)));
    return {
      registry_bytes_ratio: median(all.map(({ bytesRatio }) => bytesRatio)),
      wall_ratio: (allMs ?? 0) / (oneMs ?? 1),
      one_s: (oneMs ?? 0) / 1_000,
      all_s: (allMs ?? 0) / 1_000,
    };
  });
}

/** Every link in both directions, the registry's too. */
async function shape({ layout }: Testbed): Promise<void> {
  const tbf = ["root", "tbf", "rate", RATE, "burst", "128kb", "latency", "100ms"];
  const on = (netns: string, device: string): Promise<unknown> =>
    runCommand("nsenter", [`--net=/run/netns/${netns}`, "tc", "qdisc", "add", "dev", device, ...tbf]);
  for (const end of [layout.registry, ...layout.hosts]) {
    await on(layout.fabricNetns, end.port);
    await on(end.netns, "eth0");
  }
}

interface Pulled {
  readonly wallMs: number;
  /** Bytes that left the registry's interface over the image's. */
  readonly bytesRatio: number;
}

/** Time from apply until a pod of a fresh image is ready on each of the first hosts. */
async function pull(
  testbed: Testbed,
  { name, seed, hostCount }: { readonly name: string; readonly seed: number; readonly hostCount: number },
): Promise<Pulled> {
  const image = largeImage(seed);
  await testbed.pushImage(image, `fabric/${name}:1`);
  const hosts = testbed.layout.hosts.slice(-hostCount);
  const before = await registrySent(testbed);
  const beganAt = performance.now();
  await apply(
    testbed,
    hosts.map((host) => podOn(host.name, name)),
  );
  const isReady = async (): Promise<boolean> => {
    const { items } = JSON.parse(await testbed.tsctl(["get", "pods", "-l", `app=${name}`, "-o", "json"]));
    const phases = items.map(({ status }: { readonly status?: { readonly phase?: string } }) => status?.phase);
    return phases.length === hostCount && phases.every((phase: unknown) => phase === "Running");
  };
  await waitFor(`${hostCount} pods of ${name}`, isReady, { deadlineMs: 180_000, everyMs: 100 });
  const wallMs = performance.now() - beganAt;
  const sent = (await registrySent(testbed)) - before;
  await testbed.tsctl(["delete", "pods", "-l", `app=${name}`, "--now"]);
  await testbed.tsctl(["image", "prune", "-a"]);
  return { wallMs, bytesRatio: sent / image.blobs.reduce((sum, { bytes }) => sum + bytes.length, 0) };
}

function podOn(node: string, name: string): unknown {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: `${name}-${node}`, labels: { app: name } },
    spec: {
      nodeName: node,
      terminationGracePeriodSeconds: 1,
      containers: [{ name: "main", image: `fabric/${name}:1`, command: ["sleep", "1000000"] }],
    },
  };
}

/** Bytes that the registry has sent, on its own interface. */
async function registrySent({ layout }: Testbed): Promise<number> {
  const stdout = await runCommand("ip", ["-n", layout.registry.netns, "-s", "-j", "link", "show", "eth0"]);
  return JSON.parse(stdout)[0].stats64.tx.bytes;
}

/** 200 MB that no packing makes smaller, other bytes for each seed, and a shell to run. */
function largeImage(seed: number): BuiltImage {
  const layers = Array.from({ length: LAYERS }, (_, at) => {
    const bytes = Buffer.from(seededRng(seed * 100 + at).bytes(200_000_000 / LAYERS));
    return builtLayer(tarArchive([[tarEntry(`random${at}`, "file"), bytes]]), "none");
  });
  return buildImage({ layers: [builtLayer(busyboxTar()), ...layers], config: { Env: ["PATH=/bin"] } });
}
