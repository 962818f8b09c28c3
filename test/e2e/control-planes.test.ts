import { afterAll, beforeAll, expect, test } from "vitest";
import { waitFor } from "../kit/wait.js";
import type { Testbed } from "../testbed/testbed.js";
import { containerPids, manifest, pods, type SeenPod, startCluster, waitReady } from "./cluster.js";

let testbed: Testbed;

beforeAll(async () => {
  testbed = await startCluster("replicas", { hostCount: 3, controlPlaneCount: 3 });
  await testbed.tsctl(["apply", "-f", manifest("hello.yaml")]);
  await waitReady(testbed, "app=hello", 6);
});

afterAll(async () => {
  await testbed?.down();
});

/** Ready pods on other hosts than this one; what is said of a lost host's own pods does not count. */
async function readyElsewhere(lost: string): Promise<number> {
  const all = await pods(testbed, "app=hello");
  const isReady = ({ status }: SeenPod): boolean =>
    status.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True") === true;
  return all.filter((each) => isReady(each) && each.spec.nodeName !== lost).length;
}

test("every control plane's host runs an etcd member, and each answers", async () => {
  for (const { name } of testbed.layout.hosts) {
    expect(testbed.pids(name, "etcd")).toHaveLength(1);
    expect(testbed.pids(name, "controlplane")).toHaveLength(1);
  }
});

test("the power cut of one of three control planes loses no acknowledged write and no container elsewhere", async () => {
  await testbed.tsctl(["scale", "deploy/hello", "--replicas=4"]);
  await waitReady(testbed, "app=hello", 4);
  const before = containerPids(testbed, "host2");
  await testbed.power("host1", "poweroff");
  await waitFor(
    "the others to answer a write",
    async () => (await testbed.tryTsctl(["scale", "deploy/hello", "--replicas=5"])).exitCode === 0,
    { deadlineMs: 30_000, everyMs: 200 },
  );
  await waitFor("five ready pods on the two others", async () => (await readyElsewhere("host1")) === 5, {
    deadlineMs: 40_000,
    everyMs: 200,
  });
  for (const pid of before) expect(containerPids(testbed, "host2")).toContain(pid);
});

test("it comes back as a member and its node is Ready again", async () => {
  await testbed.power("host1", "start");
  await waitFor("host1 to be Ready", async () => /host1\s+Ready/.test(await testbed.tsctl(["get", "nodes"])), {
    deadlineMs: 40_000,
    everyMs: 200,
  });
  expect(testbed.pids("host1", "etcd")).toHaveLength(1);
});
