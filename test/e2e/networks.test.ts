import { afterAll, beforeAll, expect, test } from "vitest";
import { waitFor } from "../kit/wait.js";
import { DUAL_STACK, type Testbed } from "../testbed/testbed.js";
import { expectBothFamilies } from "./both-families.js";
import { manifest, pods, type SeenPod, startCluster } from "./cluster.js";

let testbed: Testbed;

beforeAll(async () => {
  testbed = await startCluster("networks", { hostCount: 3, initWords: [...DUAL_STACK, "--direct-routing"] });
  await testbed.tsctl(["apply", "-f", manifest("networks.yaml"), "--wait"]);
});

afterAll(async () => {
  await testbed?.down();
});

/** Who reaches whom by name. */
const REACH = [
  ["gate", "web", true],
  ["web", "store", true],
  // By web's second network, which is all that store shares with it.
  ["store", "web", true],
  ["store", "store", true],
  ["gate", "store", false],
  ["store", "gate", false],
  ["store", "keeper", false],
  ["keeper", "keeper", true],
  ["keeper", "gate", false],
] as const;

async function reaches(from: string, to: string): Promise<boolean> {
  const words = ["exec", "-n", "harbor", from, "--", "timeout", "3", "fetch", to];
  return (await testbed.tryTsctl(words)).stdout.startsWith(`${to}-`);
}

async function reachAll(): Promise<readonly (readonly [string, string, boolean])[]> {
  return Promise.all(REACH.map(async ([from, to]) => [from, to, await reaches(`deploy/${from}`, to)] as const));
}

async function podsOf(app: string): Promise<readonly SeenPod[]> {
  return JSON.parse(await testbed.tsctl(["get", "pods", "-n", "harbor", "-l", `app=${app}`, "-o", "json"])).items;
}

const within = { deadlineMs: 60_000, everyMs: 500 };
const asWanted = (): Promise<boolean> =>
  waitFor(
    "everybody to reach whom he may, and nobody else",
    async () => {
      const found = await reachAll();
      return JSON.stringify(found) === JSON.stringify(REACH);
    },
    within,
  ).catch(async () => {
    expect(await reachAll()).toEqual(REACH);
    return true;
  });

test("names lead to what pods share, and networks are apart", async () => {
  await asWanted();
  const page = await testbed.tsctl(["describe", "service", "-n", "harbor", "web"]);
  expect(page).toMatch(/IP On Networks: +front=10\.\d+\.\d+\.\d+, back=10\.\d+\.\d+\.\d+/);
});

test("every pod of a service on a further network is reached, on whatever host", async () => {
  const names = (await podsOf("web")).map(({ metadata }) => (metadata as { readonly name: string }).name);
  const seen = new Set<string>();
  await waitFor(
    "both pods to have answered",
    async () => {
      const words = ["exec", "-n", "harbor", "deploy/store", "--", "fetch", "web"];
      seen.add((await testbed.tryTsctl(words)).stdout.trim().split(" ")[0] ?? "");
      return names.every((name) => [...seen].some((answer) => answer.startsWith(name)));
    },
    within,
  );
});

test("an internal network has no way out, and each overlay network its own VNI", async () => {
  const outside = testbed.host("host1").address;
  // Its own host a pod always reaches.
  const [away] = (await podsOf("store")).filter(({ spec }) => spec.nodeName !== "host1");
  const dial = async (from: string): Promise<string> =>
    (
      await testbed.tryTsctl([
        ...["exec", "-n", "harbor", from, "--", "sh", "-c"],
        `nc -w 2 ${outside} 7443 </dev/null; echo $?`,
      ])
    ).stdout.trim();
  await expect.poll(() => dial("deploy/gate")).toBe("0");
  expect(await dial(away?.metadata.name ?? "")).toBe("1");
  const networks: readonly { readonly spec: { readonly vni?: number; readonly encrypted?: boolean } }[] = JSON.parse(
    await testbed.tsctl(["get", "networks", "-n", "harbor", "-o", "json"]),
  ).items;
  const vnis = networks.flatMap(({ spec }) => spec.vni ?? []);
  expect(new Set(vnis).size).toBe(2);
  expect(vnis).not.toContain(1);
});

test("a bridge network is each host's own", async () => {
  await testbed.tsctl(["network", "create", "-d", "bridge", "side"]);
  const pod = (name: string, host: string): object => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, annotations: { "tallship.dev/networks": "side" } },
    spec: {
      nodeName: host,
      terminationGracePeriodSeconds: 1,
      containers: [{ name: "web", image: "tallship/hello:1" }],
    },
  });
  const items = [pod("one", "host1"), pod("two", "host1"), pod("far", "host2")];
  await testbed.tsctl(["apply", "-f", "-", "--wait"], {
    input: JSON.stringify({ apiVersion: "v1", kind: "List", items }),
  });
  const addressOf = async (name: string): Promise<string> =>
    (await testbed.tsctl(["get", "pod", name, "-o", "jsonpath={.status.podIP}"])).trim();
  const fetch = async (to: string): Promise<string> => {
    const words = ["exec", "one", "--", "timeout", "3", "fetch", await addressOf(to), "8080"];
    return (await testbed.tryTsctl(words)).stdout;
  };
  await expect.poll(() => fetch("two")).toMatch(/^two/);
  expect(await fetch("far")).not.toMatch(/^far/);
  await testbed.tsctl(["delete", "pod", "one", "two", "far"]);
  await testbed.tsctl(["network", "rm", "side"]);
});

test("services on two networks with ranges of their own meet by name and alias on each, and are apart", async () => {
  const text = `services:
  edge: {image: "tallship/hello:1", networks: [front]}
  web: {image: "tallship/hello:1", networks: {front: {aliases: [site]}, back: {aliases: [inner]}}}
  store: {image: "tallship/hello:1", networks: [back]}
networks:
  front: {ipam: {config: [{subnet: 172.28.1.0/24}]}}
  back: {internal: true, ipam: {config: [{subnet: 172.28.2.0/24}]}}
`;
  await testbed.tsctl(["compose", "-f", "-", "-p", "twonets", "up", "-d", "--wait"], { input: text });
  const fetch = async (from: string, to: string): Promise<string> => {
    const words = ["compose", "-p", "twonets", "exec", "-T", from, "timeout", "3", "fetch", to, "8080"];
    return (await testbed.tryTsctl(words)).stdout;
  };
  for (const [from, to] of [
    ["edge", "web"],
    ["edge", "site"],
    ["store", "web"],
    ["store", "inner"],
    ["web", "store"],
    ["web", "edge"],
  ] as const)
    await expect
      .poll(async () => [from, to, await fetch(from, to)])
      .toEqual([from, to, expect.stringMatching(/^(web|store|edge)-/)]);
  for (const [from, to] of [
    ["edge", "store"],
    ["store", "edge"],
  ] as const)
    expect([from, to, await fetch(from, to)]).toEqual([from, to, ""]);
  const [web] = JSON.parse(
    await testbed.tsctl(["get", "pods", "-n", "twonets", "-l", "com.docker.compose.service=web", "-o", "json"]),
  ).items;
  expect(web.status.networks.map(({ ip }: { readonly ip: string }) => ip.replace(/\d+$/, ""))).toEqual([
    "172.28.1.",
    "172.28.2.",
  ]);
  await testbed.tsctl(["compose", "-p", "twonets", "down"]);
});

test("pods on the cluster's own network reach each other over the link itself, by both families", async () => {
  await expectBothFamilies(testbed, ["-n", "harbor", "deploy/gate"]);
  const [other] = (await pods(testbed, "app=both")).filter(({ spec }) => spec.nodeName !== "host1");
  for (const { ip } of other?.status.podIPs ?? [])
    expect((await testbed.exec("host1", ["ip", "route", "get", ip])).stdout).toMatch(
      / via (172\.30|fe80:).* dev eth0 /,
    );
  await testbed.tsctl(["delete", "-f", manifest("dual-stack.yaml")]);
});

test("nothing is interrupted by agents that die, nor by their successors", async () => {
  for (const { name } of testbed.layout.hosts) await testbed.process(name, "agent", "kill");
  await asWanted();
});

test("a host that loses its power comes back with its networks, also while there is no control plane", async () => {
  const [store] = (await podsOf("store")).filter(({ spec }) => spec.nodeName !== "host1");
  const host = store?.spec.nodeName ?? "";
  expect(host).toMatch(/^host[23]$/);
  await testbed.process("host1", "supervise", "kill");
  await testbed.process("host1", "controlplane", "kill");
  await testbed.power(host, "poweroff");
  await testbed.power(host, "start");
  const address = store?.status.podIP ?? "";
  await waitFor(
    "a pod of back to answer its host",
    async () => {
      const { stdout } = await testbed.exec(host, ["sh", "-c", `ip -br link show type veth | grep -c tsp`]);
      return Number(stdout.trim()) > 0;
    },
    within,
  );
  const answers = async (): Promise<boolean> => {
    const routes = (await testbed.exec(host, ["ip", "route", "show", "proto", "84"])).stdout;
    const pod = routes.match(/^10\.(?:6[4-9]|[7-9]\d)\.\d+\.\d+ dev tsp/m)?.[0].split(" ")[0] ?? address;
    return (await testbed.exec(host, ["curl", "-s", "--max-time", "2", `http://${pod}:8080/`])).stdout !== "";
  };
  await waitFor("a pod of a network to answer its host without a control plane", answers, within);
  await testbed.process("host1", "controlplane", "start");
  await asWanted();
});
