import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { seededRng } from "../../lib/rng.js";
import { tarEntry } from "../../lib/tar/entry.js";
import { tarArchive } from "../../lib/tar/tar-writer.js";
import { busyboxTar } from "../kit/busybox-image.js";
import { ociArchive } from "../kit/image-archive.js";
import { buildImage, builtLayer } from "../kit/image-builder.js";
import type { Testbed } from "../testbed/testbed.js";
import { applyText, startCluster, waitGone, waitReady } from "./cluster.js";

let testbed: Testbed;
let folder: string;

beforeAll(async () => {
  testbed = await startCluster("images", { hostCount: 3 });
  folder = testbed.layout.runDir;
});

afterAll(async () => {
  await testbed?.down();
});

/** An image that no registry has: busybox, and a file of random bytes in several pieces. */
function archiveOf(seed: number, name: string): string {
  const random = Buffer.from(seededRng(seed).bytes(9_000_000));
  const layers = [
    builtLayer(busyboxTar()),
    builtLayer(
      tarArchive([
        [tarEntry("seed", "file"), Buffer.from(String(seed))],
        [tarEntry("random", "file"), random],
      ]),
    ),
  ];
  const path = join(folder, `${seed}.tar`);
  writeFileSync(
    path,
    ociArchive(buildImage({ layers, config: { Env: ["PATH=/bin"], Cmd: ["sleep", "1000000"] } }), name),
  );
  return path;
}

/** A daemon set of an image: a pod on every host. */
const everywhere = (image: string): string => `apiVersion: apps/v1
kind: DaemonSet
metadata: { name: own }
spec:
  selector: { matchLabels: { app: own } }
  template:
    metadata: { labels: { app: own } }
    spec:
      terminationGracePeriodSeconds: 1
      containers: [{ name: main, image: ${image} }]
`;

interface Held {
  readonly Nodes: readonly string[];
}

async function nodesOf(image: string): Promise<readonly string[]> {
  const [found]: readonly Held[] = JSON.parse(await testbed.tsctl(["image", "inspect", image]));
  return found?.Nodes ?? [];
}

test("an image that is loaded is on two nodes, runs on every one, is not taken away while it runs, and goes when it is", async () => {
  expect(await testbed.tsctl(["image", "load", "-i", archiveOf(1, "own:1")])).toBe(
    "Loaded image: docker.io/library/own:1\n",
  );
  await expect.poll(() => nodesOf("own:1")).toHaveLength(2);
  await applyText(testbed, everywhere("own:1"));
  const pods = await waitReady(testbed, "app=own", 3);
  for (const { metadata } of pods) expect(await testbed.tsctl(["exec", metadata.name, "--", "cat", "/seed"])).toBe("1");
  // Nodes tell what they hold a moment after they have it.
  await expect.poll(() => nodesOf("own:1")).toHaveLength(3);
  const { exitCode, stderr } = await testbed.tryTsctl(["rmi", "own:1"]);
  expect(exitCode).not.toBe(0);
  expect(stderr).toContain("is used by pod default/own-");
  await testbed.tsctl(["delete", "daemonset", "own"]);
  await waitGone(testbed, "app=own");
  const saved = join(folder, "saved.tar");
  await testbed.tsctl(["image", "save", "-o", saved, "own:1"]);
  expect(await testbed.tsctl(["rmi", "own:1"])).toMatch(/^Untagged: docker.io\/library\/own:1\nDeleted: sha256:/);
  await expect.poll(() => testbed.tsctl(["images", "-q"])).toBe("");
  expect(await testbed.tsctl(["load", "-i", saved])).toContain("own:1");
  rmSync(saved);
});

test("a name that comes to stand for another image: pods that are made from then on run that", async () => {
  await applyText(testbed, everywhere("own:1"));
  await waitReady(testbed, "app=own", 3);
  await testbed.tsctl(["load", "-i", archiveOf(2, "own:1")]);
  await testbed.tsctl(["rollout", "restart", "daemonset/own"]);
  await testbed.tsctl(["rollout", "status", "daemonset/own", "--timeout=60s"]);
  const pods = await waitReady(testbed, "app=own", 3);
  for (const { metadata } of pods) expect(await testbed.tsctl(["exec", metadata.name, "--", "cat", "/seed"])).toBe("2");
});
