import { afterAll, beforeAll, expect, test } from "vitest";
import { waitFor } from "../kit/wait.js";
import type { Testbed } from "../testbed/testbed.js";
import { containerPids, manifest, startCluster, waitReady } from "./cluster.js";

let testbed: Testbed;

beforeAll(async () => {
  testbed = await startCluster("replicas", { hostCount: 3, controlPlaneCount: 3 });
  await testbed.tsctl(["apply", "-f", manifest("hello.yaml")]);
  await waitReady(testbed, "app=hello", 6);
});

afterAll(async () => {
  await testbed?.down();
});

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
  await waitReady(testbed, "app=hello", 5);
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
