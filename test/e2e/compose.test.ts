import { afterAll, beforeAll, expect, test } from "vitest";
import type { Testbed } from "../testbed/testbed.js";
import { manifest, remains, type SeenPod, startCluster } from "./cluster.js";

let testbed: Testbed;
const file = manifest("compose.yaml");
const compose = (...words: readonly string[]): Promise<string> => testbed.tsctl(["compose", "-f", file, ...words]);

beforeAll(async () => {
  testbed = await startCluster("compose", { hostCount: 3 });
});

afterAll(async () => {
  await testbed?.down();
});

async function podsOf(service: string): Promise<readonly SeenPod[]> {
  const labels = `com.docker.compose.service=${service}`;
  return JSON.parse(await testbed.tsctl(["get", "pods", "-n", "shop", "-l", labels, "-o", "json"])).items;
}

const startedAt = (pod: SeenPod | undefined): string =>
  pod?.status.containerStatuses?.[0]?.state.running?.startedAt ?? "";

test("up waits until everything is healthy, and nothing starts before what it depends on", async () => {
  await compose("up", "-d", "--wait");
  const [store] = await podsOf("store");
  const [prepare] = await podsOf("prepare");
  expect(prepare?.status.containerStatuses?.[0]?.state.terminated?.exitCode).toBe(0);
  const ready = store?.status.conditions?.find(({ type }) => type === "Ready");
  expect(ready?.status).toBe("True");
  const web = await podsOf("web");
  expect(web).toHaveLength(2);
  // The store listens two seconds after its start, and web waits for that.
  for (const pod of web)
    expect(Date.parse(startedAt(pod)) - Date.parse(startedAt(store))).toBeGreaterThanOrEqual(1_000);
});

test("the published port answers on every host, and services meet by their names", async () => {
  for (const { name, address } of testbed.layout.hosts)
    await expect
      .poll(async () => (await testbed.exec(name, ["curl", "-s", "--max-time", "3", `http://${address}:8088/`])).stdout)
      .toMatch(/^welcome from web-/);
  await expect.poll(() => compose("exec", "-T", "web", "fetch", "store", "8080")).toMatch(/^in stock from store-/);
  expect(await compose("exec", "-T", "web", "cat", "/etc/motd")).toBe("Open all day.\n");
  expect(await compose("exec", "-T", "store", "cat", "/data/stock")).toBe("stocked\n");
});

test("services that share a network have one localhost, and a named volume starts with what the image has in its place", async () => {
  const text = `services:
  front: {image: "tallship/hello:1"}
  beside: {image: "tallship/hello:1", network_mode: "service:front", command: [sleep, "1000"], volumes: ["programs:/bin"]}
volumes: {programs: {}}
`;
  await testbed.tsctl(["compose", "-f", "-", "-p", "pair", "up", "-d", "--wait"], { input: text });
  const inBeside = (...words: readonly string[]): Promise<string> =>
    testbed.tsctl(["compose", "-p", "pair", "exec", "-T", "beside", ...words]);
  await expect.poll(() => inBeside("fetch", "localhost", "8080")).toMatch(/front-/);
  // Without the image's programs in the volume there is no fetch.
  expect(await inBeside("cat", "/proc/mounts")).toMatch(/ \/bin /);
  const rows = (await testbed.tsctl(["compose", "-p", "pair", "ps"])).trim().split("\n").slice(1);
  expect(rows.map((row) => row.split(/ +/)[2])).toEqual(["front", "beside"]);
  await testbed.tsctl(["compose", "-p", "pair", "down", "-v"]);
});

test("a pod whose dependency is not there says so and starts once it is", async () => {
  const text = `services:
  late: {image: "tallship/hello:1", depends_on: {never: {condition: service_healthy}}}
  never: {image: "tallship/hello:1", healthcheck: {test: "test -e /tmp/ok", start_interval: 1s}}
`;
  // As docker's, it ends once what it waits for is there.
  const starting = testbed.tsctl(["compose", "-f", "-", "-p", "late", "up", "-d"], { input: text });
  await expect.poll(() => testbed.tsctl(["compose", "-p", "late", "ps"])).toContain("waiting for never to be healthy");
  await expect.poll(() => testbed.tsctl(["compose", "-p", "late", "ps"])).toMatch(/^never-\S+ .* Up /m);
  await testbed.tsctl(["compose", "-p", "late", "exec", "-T", "never", "touch", "/tmp/ok"]);
  await testbed.tsctl([
    "wait",
    "pod",
    "-n",
    "late",
    "-l",
    "com.docker.compose.service=late",
    "--for=condition=Ready",
    "--timeout=60s",
  ]);
  await starting;
  await testbed.tsctl(["compose", "-p", "late", "down"]);
});

const small = (project: string, text: string, ...words: readonly string[]) =>
  testbed.tryTsctl(["compose", "-f", "-", "-p", project, ...words], { input: text });

test("up -d fails when an image cannot be had or a program cannot be run, at its place in the file, and tries again when it is asked again", async () => {
  const text = (image: string, command: string): string =>
    `services:\n  web:\n    image: "${image}"\n    command: ["${command}", "1000"]\n    stop_grace_period: 1s\n`;
  const missing = await small("wrong", text("none/none:1", "sleep"), "up", "-d");
  expect(missing.exitCode).toBe(1);
  expect(missing.stderr).toMatch(/error: \S+:3:5: services\.web\.image: .*none\/none:1/);
  const again = await small("wrong", text("none/none:1", "sleep"), "up", "-d");
  expect(again.exitCode).toBe(1);
  const command = await small("wrong", text("tallship/hello:1", "no-such-program"), "up", "-d");
  expect(command.exitCode).toBe(1);
  expect(command.stderr).toMatch(/error: \S+:2:3: services\.web: .*no-such-program/);
  const right = await small("wrong", text("tallship/hello:1", "sleep"), "up", "-d");
  expect(right).toMatchObject({ exitCode: 0 });
  expect(right.stderr).toMatch(/ Pod web-\S+ {2}Started\n/);
  expect((await small("wrong", text("tallship/hello:1", "sleep"), "down")).exitCode).toBe(0);
});

test("stop leaves the same containers to start, with what they wrote, over a restart of a service; attach and wait end with their exit codes", async () => {
  const text = `services:
  web: {image: "tallship/hello:1", stop_grace_period: 1s, deploy: {replicas: 2}}
  talk: {image: "tallship/hello:1", command: [sh, -c, "trap 'exit 5' TERM; echo up; while :; do sleep 0.1; done"], restart: "no"}
`;
  const kept = (...words: readonly string[]) => small("kept", text, ...words);
  expect(await kept("up", "-d")).toMatchObject({ exitCode: 0 });
  const namesOf = async (): Promise<readonly string[]> =>
    (await kept("ps", "-aq", "web")).stdout.trim().split("\n").sort();
  const before = await namesOf();
  expect(before).toHaveLength(2);
  expect(await kept("exec", "-T", "web", "sh", "-c", "echo mine > /own")).toMatchObject({ exitCode: 0 });
  expect(await kept("stop", "web")).toMatchObject({ exitCode: 0 });
  expect(await namesOf()).toEqual(before);
  expect((await kept("ps", "-a", "web")).stdout.match(/Exited \(\d+\)/g)).toHaveLength(2);
  expect((await kept("ps", "-q", "web")).stdout).toBe("");
  expect(await kept("start", "web")).toMatchObject({ exitCode: 0 });
  expect(await kept("restart", "web")).toMatchObject({ exitCode: 0 });
  expect(await namesOf()).toEqual(before);
  expect((await kept("ps", "web")).stdout.match(/ Up /g)).toHaveLength(2);
  expect((await kept("exec", "-T", "web", "cat", "/own")).stdout).toBe("mine\n");
  await expect.poll(async () => (await kept("logs", "talk")).stdout).toContain("up");
  const waiting = kept("wait", "talk");
  const attached = kept("attach", "--no-stdin", "talk");
  // Both have begun once the cluster knows of them; what ends before is told as well.
  const [talk = ""] = (await kept("ps", "-q", "talk")).stdout.trim().split("\n");
  await testbed.tsctl(["kill", "-n", "kept", "-s", "TERM", talk]);
  expect(await waiting).toMatchObject({ exitCode: 5, stdout: `container "${talk}" exited with status code 5\n` });
  expect((await attached).exitCode).not.toBe(0);
  expect(await kept("down")).toMatchObject({ exitCode: 0 });
});

const NETS = `services:
  front: {image: "tallship/hello:1", command: sleep 1000, networks: [outer], user: nobody, stop_grace_period: 1s}
  middle: {image: "tallship/hello:1", networks: [outer, inner], stop_grace_period: 1s}
  back: {image: "tallship/hello:1", networks: [inner], stop_grace_period: 1s}
networks: {outer: {}, inner: {internal: true}}
`;
const nets = (...words: readonly string[]): Promise<string> =>
  testbed.tsctl(["compose", "-f", "-", "-p", "nets", ...words], { input: NETS });

test("services meet on their networks alone, and what is on an internal one reaches nothing else", async () => {
  await nets("up", "-d", "--wait");
  const reaches = async (from: string, to: string): Promise<string> =>
    nets("exec", "-T", from, "sh", "-c", `timeout 2 fetch ${to} 8080; true`);
  await expect.poll(() => reaches("front", "middle")).toMatch(/^middle-/);
  await expect.poll(() => reaches("middle", "back")).toMatch(/^back-/);
  expect(await reaches("front", "back")).toBe("");
  const [host] = testbed.layout.hosts;
  expect(await reaches("back", host?.address ?? "")).toBe("");
  expect(await nets("exec", "-T", "front", "id", "-un")).toBe("nobody\n");
  expect(await nets("run", "--rm", "-T", "front", "sh", "-c", "echo $HOSTNAME-$(id -u)")).toMatch(/-65534\n$/);
  await nets("down");
});

test("down leaves the volume, down -v leaves nothing, neither in the cluster nor on the hosts", async () => {
  await compose("down");
  expect(await testbed.tsctl(["get", "pvc", "-n", "shop", "-o", "name"])).toBe("persistentvolumeclaim/data\n");
  await compose("down", "-v");
  await expect.poll(() => testbed.tsctl(["get", "pv", "-o", "name"])).toBe("");
  await expect
    .poll(() => testbed.tsctl(["get", "namespaces", "-o", "name"]))
    .toBe("namespace/default\nnamespace/kube-system\n");
  for (const { name } of testbed.layout.hosts)
    await expect.poll(() => remains(testbed, name)).toEqual({ namespaces: [], mounts: [], cgroups: [], conmons: [] });
});
