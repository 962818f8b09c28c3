import { afterAll, beforeAll, expect, test } from "vitest";
import { waitFor } from "../kit/wait.js";
import type { Testbed } from "../testbed/testbed.js";
import { manifest, pods, remains, startCluster, waitGone, waitReady } from "./cluster.js";

let testbed: Testbed;
let address = "";

beforeAll(async () => {
  testbed = await startCluster("hello", { hostCount: 3 });
  await testbed.tsctl(["apply", "-f", manifest("hello.yaml")]);
  await waitReady(testbed, "app=hello", 6);
  address = JSON.parse(await testbed.tsctl(["get", "service", "hello", "-o", "json"])).spec.clusterIP;
});

afterAll(async () => {
  await testbed?.down();
});

/** A pod is ready a moment before the last host leads to it. */
const isServed = (host: string, url: string): Promise<boolean> =>
  waitFor(`an answer on ${host}`, async () => (await ask(host, url, 1)).failed === 0, { everyMs: 100 });

/** Distinct answers to a number of requests, and how many failed. */
async function ask(
  host: string,
  url: string,
  count: number,
): Promise<{ readonly answers: ReadonlySet<string>; readonly failed: number }> {
  const { stdout } = await testbed.exec(host, [
    "sh",
    "-c",
    `for i in $(seq ${count}); do curl -s --max-time 2 ${url} || echo failed; done`,
  ]);
  const lines = stdout.split("\n").filter((line) => line !== "");
  return { answers: new Set(lines), failed: lines.filter((line) => line === "failed").length };
}

test("the nodes are ready and named for their hosts", async () => {
  const nodes = JSON.parse(await testbed.tsctl(["get", "nodes", "-o", "json"])).items;
  expect(nodes.map((node: { metadata: { name: string } }) => node.metadata.name)).toEqual(["host1", "host2", "host3"]);
  const table = await testbed.tsctl(["get", "nodes", "-o", "wide"]);
  expect(table.split("\n").filter((line) => / Ready /.test(line))).toHaveLength(3);
});

test("pods run on every host", async () => {
  const seen = await pods(testbed, "app=hello");
  expect(new Set(seen.map(({ spec }) => spec.nodeName))).toEqual(new Set(["host1", "host2", "host3"]));
  expect(new Set(seen.map(({ status }) => status.podIP)).size).toBe(6);
});

test("every host reaches pods on all hosts through the service's address, and no request fails", async () => {
  for (const host of ["host1", "host2", "host3"]) {
    await isServed(host, `http://${address}/`);
    const { answers, failed } = await ask(host, `http://${address}/`, 60);
    expect(failed).toBe(0);
    expect([...answers].map((answer) => /host\d/.exec(answer)?.[0]).sort()).toEqual(
      expect.arrayContaining(["host1", "host2", "host3"]),
    );
  }
});

test("a pod reaches the service by name, also in its short forms", async () => {
  for (const name of ["hello", "hello.default", "hello.default.svc.cluster.local"]) {
    await expect
      .poll(async () => (await testbed.tryTsctl(["exec", "deploy/hello", "--", "fetch", name])).stdout)
      .toMatch(/hello/);
  }
});

test("exec passes output, input and exit code", async () => {
  expect(
    (await testbed.tryTsctl(["exec", "deploy/hello", "--", "sh", "-c", "echo out; echo err >&2; exit 7"])).exitCode,
  ).toBe(7);
  const { stdout, stderr } = await testbed.tryTsctl([
    "exec",
    "deploy/hello",
    "--",
    "sh",
    "-c",
    "echo out; echo err >&2",
  ]);
  expect([stdout, stderr]).toEqual(["out\n", "err\n"]);
  const { stdout: echoed } = await testbed.tryTsctl(["exec", "-i", "deploy/hello", "--", "cat"], {
    input: "through\n",
  });
  expect(echoed).toBe("through\n");
});

test("logs of a deployment's pod can be read", async () => {
  await ask("host1", `http://${address}/`, 10);
  const { exitCode } = await testbed.tryTsctl(["logs", "deploy/hello", "--tail", "5"]);
  expect(exitCode).toBe(0);
});

test("describe shows a pod's containers and events", async () => {
  const [first] = await pods(testbed, "app=hello");
  const text = await testbed.tsctl(["describe", "pod", first?.metadata.name ?? ""]);
  for (const word of ["Node:", "Containers:", "tallship/hello:1", "Conditions:"]) expect(text).toContain(word);
});

test("apply again changes nothing", async () => {
  const text = await testbed.tsctl(["apply", "-f", manifest("hello.yaml")]);
  expect(
    text
      .split("\n")
      .filter((line) => line !== "")
      .every((line) => line.endsWith("unchanged")),
  ).toBe(true);
});

test("scaled to 30 and back, the service follows", async () => {
  await testbed.tsctl(["scale", "deploy/hello", "--replicas=30"]);
  await waitReady(testbed, "app=hello", 30);
  await testbed.tsctl(["scale", "deploy/hello", "--replicas=3"]);
  await waitReady(testbed, "app=hello", 3);
  const { failed } = await ask("host2", `http://${address}/`, 30);
  expect(failed).toBe(0);
});

test("delete leaves nothing on any host", async () => {
  await testbed.tsctl(["delete", "-f", manifest("hello.yaml")]);
  await waitGone(testbed, "app=hello");
  for (const host of ["host1", "host2", "host3"]) {
    await expect.poll(() => remains(testbed, host)).toEqual({ namespaces: [], mounts: [], cgroups: [], conmons: [] });
  }
});
