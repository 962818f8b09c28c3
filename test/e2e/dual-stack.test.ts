import { afterAll, beforeAll, expect, test } from "vitest";
import { type FailedRequest, failureLine } from "../kit/request-stream.js";
import { waitFor } from "../kit/wait.js";
import { askedDuring, startStrangers } from "../testbed/request-streams.js";
import { holderOf, linkAddress, meetOnLink } from "../testbed/stranger.js";
import { DUAL_STACK, type Testbed } from "../testbed/testbed.js";
import { applyText, manifest, pods, startCluster, waitReady } from "./cluster.js";

const PATIENCE = { timeout: 60_000, interval: 300 };

let testbed: Testbed;
let addresses: readonly string[];

const CLIENT = `
apiVersion: v1
kind: Pod
metadata: {name: client, labels: {app: client}}
spec:
  terminationGracePeriodSeconds: 1
  containers: [{name: web, image: tallship/hello:1}]
`;
const CLOSED = `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: closed}
spec:
  podSelector: {matchLabels: {app: both}}
  ingress: [{from: [{ipBlock: {cidr: "2001:db8::/32"}}]}]
`;

const BALANCED = `
apiVersion: v1
kind: ConfigMap
metadata: {name: load-balancer-pool, namespace: kube-system}
data: {addresses: "192.0.2.10, 2001:db8:77::/120"}
---
apiVersion: v1
kind: Service
metadata: {name: balanced}
spec: {type: LoadBalancer, ipFamilyPolicy: RequireDualStack, selector: {app: both}, ports: [{port: 80, targetPort: http}]}
`;

const SIX = `
apiVersion: v1
kind: Service
metadata: {name: six}
spec: {ipFamilies: [IPv6], selector: {app: both}, ports: [{port: 80, targetPort: http}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: six}
spec:
  rules:
    - host: six.example
      http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: six, port: {number: 80}}}}]}
`;

const PROJECT = `services:
  edge: {image: "tallship/hello:1", networks: [front]}
  web:
    image: "tallship/hello:1"
    networks: {front: {}, back: {aliases: [inner]}}
    ports: ["18080:8080"]
    deploy: {endpoint_mode: vip}
  store: {image: "tallship/hello:1", networks: [back]}
networks: {front: {enable_ipv6: true}, back: {enable_ipv6: true, internal: true}}
`;

beforeAll(async () => {
  testbed = await startCluster("dual", { hostCount: 2, initWords: DUAL_STACK });
  await testbed.tsctl(["apply", "-f", manifest("dual-stack.yaml"), "--wait"]);
  await applyText(testbed, CLIENT);
  await waitReady(testbed, "app=client", 1);
  const service = JSON.parse(await testbed.tsctl(["get", "service", "both", "-o", "json"]));
  addresses = service.spec.clusterIPs;
});

afterAll(async () => {
  await testbed?.down();
});

/** Which pod answers the client at an address; empty: none. */
async function answer(address: string): Promise<string> {
  const { stdout } = await testbed.tryTsctl(["exec", "client", "--", "fetch", address]);
  return stdout.trim();
}

async function names(address: string): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  for (let at = 0; at < 12; at += 1) found.add(await answer(address));
  return found;
}

test("a service has an address of each family, and either leads to pods of every host", async () => {
  expect(addresses).toHaveLength(2);
  expect(addresses[1]).toMatch(/^fd00:10:96::/);
  const all = new Set((await pods(testbed, "app=both")).map(({ metadata }) => metadata.name));
  for (const address of addresses)
    await waitFor(`every pod behind ${address}`, async () => (await names(address)).size === all.size);
});

test("names are answered with addresses of both families, and addresses with names", async () => {
  const look = async (...words: readonly string[]): Promise<string> =>
    (await testbed.tryTsctl(["exec", "client", "--", "nslookup", ...words])).stdout;
  for (const address of addresses) await expect.poll(() => look("both.default.svc.cluster.local")).toContain(address);
  await expect.poll(() => look(addresses[1] ?? "")).toContain("both.default.svc.cluster.local");
  const headless = (): Promise<string> => look("both-pods.default.svc.cluster.local");
  await expect.poll(async () => (await headless()).match(/fd00:10:128:\S+/g)).toHaveLength(3);
});

test("a rollout drops no request by IPv6", async () => {
  await testbed.tsctl(["rollout", "restart", "deploy/both"]);
  let isDone = false;
  const done = testbed.tsctl(["rollout", "status", "deploy/both", "--timeout=60s"]).finally(() => {
    isDone = true;
  });
  done.catch(() => undefined); // It is awaited below.
  const answers: string[] = [];
  while (!isDone) answers.push(await answer(addresses[1] ?? ""));
  await done;
  expect(answers.filter((each) => !each.startsWith("both-"))).toEqual([]);
});

test("a policy closes pods by IPv6 too, and opens them as it goes", async () => {
  await applyText(testbed, CLOSED);
  for (const address of addresses)
    await waitFor(`nobody behind ${address}`, async () => (await answer(address)) === "");
  await testbed.tsctl(["delete", "networkpolicy", "closed"]);
  for (const address of addresses)
    await waitFor(`somebody behind ${address}`, async () => (await answer(address)).startsWith("both-"));
});

test("a service of type LoadBalancer has an announced address of each family, both by one node", async () => {
  await applyText(testbed, BALANCED);
  const statusOf = async () => JSON.parse(await testbed.tsctl(["get", "service", "balanced", "-o", "json"])).status;
  const patience = { deadlineMs: 30_000, everyMs: 300 };
  const [four, six] = ["192.0.2.10", "2001:db8:77::1"];
  await waitFor("both addresses", async () => (await statusOf())?.loadBalancer?.ingress?.length === 2, patience);
  expect(await testbed.tsctl(["get", "service", "balanced"])).toContain(`${four},${six}`);
  for (const address of [four, six]) await expect.poll(() => testbed.tsctl(["ports"])).toContain(address);
  const { announcedBy } = await statusOf();
  // The other one has a control plane.
  expect(announcedBy).toBe("host2");
  const standIns = async (): Promise<string> =>
    (await testbed.exec(announcedBy, ["ip", "-6", "neighbour", "show", "proxy"])).stdout;
  await waitFor("the node to stand in for it", async () => (await standIns()).includes(six), patience);
  for (const address of [four, `[${six}]`])
    await waitFor(
      `an answer at ${address}`,
      async () =>
        (await testbed.exec(announcedBy, ["curl", "-gs", "-m", "3", `http://${address}/`])).stdout.includes("both-"),
      patience,
    );
});

test("a fault of IPv6 alone has its name within a minute, and is gone when it is healed", async () => {
  const faults = async (): Promise<readonly string[]> => {
    const { stdout } = await testbed.tryTsctl(["net", "check"]);
    return stdout
      .split("\n")
      .flatMap((line) => (/^(host\d) .*% {2,}\d+ +(\w+)/.exec(line)?.slice(1, 3) ?? []).join(" ") || []);
  };
  const patience = { deadlineMs: 90_000, everyMs: 500 };
  const well = async (): Promise<boolean> => (await testbed.tryTsctl(["net", "check"])).exitCode === 0;
  await waitFor("both hosts to answer each other", well, patience);
  await expect.poll(async () => (await testbed.tryTsctl(["net", "check"])).stdout.split("\n")[0]).toContain("IPV6");
  const rule = "iifname tallship0 udp dport 7447 drop";
  const chain = "{ type filter hook input priority 0; }";
  await testbed.exec("host2", ["nft", `table ip6 broken { chain in ${chain}; }; add rule ip6 broken in ${rule}`]);
  await waitFor("the fault", async () => (await faults()).join() === "host1 IPv6Blocked,host2 IPv6Blocked", patience);
  const told = async (): Promise<boolean> =>
    (await testbed.tsctl(["describe", "node", "host1"])).includes("IPv6Blocked");
  await waitFor("the node's condition", told, patience);
  await testbed.exec("host2", ["nft", "delete table ip6 broken"]);
  await waitFor("the end of it", well, { deadlineMs: 120_000, everyMs: 500 });
});

test("an ingress takes requests by both families, and leads both to pods of a service of IPv6 alone", async () => {
  await applyText(testbed, SIX);
  for (const address of ["127.0.0.1", "[::1]"])
    await waitFor(
      `an answer at ${address}`,
      async () => {
        const words = ["curl", "-gs", "-m", "3", "-H", "Host: six.example", `http://${address}/`];
        return (await testbed.exec("host1", words)).stdout.includes("both-");
      },
      { deadlineMs: 60_000, everyMs: 300 },
    );
});

test("services of a compose file with enable_ipv6 meet by IPv6 on each network, by names, addresses of their own and aliases", async () => {
  await testbed.tsctl(["compose", "-f", "-", "-p", "six", "up", "-d", "--wait"], { input: PROJECT });
  const run = async (service: string, ...words: readonly string[]): Promise<string> =>
    (await testbed.tryTsctl(["compose", "-p", "six", "exec", "-T", service, ...words])).stdout;
  const given = async (): Promise<readonly { readonly network: string; readonly address: string }[]> =>
    JSON.parse(await testbed.tsctl(["get", "service", "-n", "six", "web", "-o", "json"])).status?.networkAddresses ??
    [];
  const on = async (network: string): Promise<readonly string[]> =>
    (await given()).flatMap((each) => (each.network === network ? [each.address] : []));
  const both = [expect.stringMatching(/^10\./), expect.stringMatching(/^fd00:10:96::/)];
  for (const network of ["front", "back"]) await expect.poll(() => on(network), PATIENCE).toEqual(both);
  const [front = "", back = ""] = [(await on("front"))[1], (await on("back"))[1]];
  expect(await testbed.tsctl(["describe", "service", "-n", "six", "web"])).toContain(`${front}, back=`);
  for (const [from, own, other] of [
    ["edge", front, back],
    ["store", back, front],
  ] as const) {
    const named = async () => (await run(from, "nslookup", "web.six.svc.cluster.local")).split(/\s+/);
    await expect.poll(named, PATIENCE).toContain(own);
    expect(await named()).not.toContain(other);
    await expect.poll(() => run(from, "timeout", "3", "fetch", own, "8080"), PATIENCE).toMatch(/^web-/);
    expect(await run(from, "timeout", "1", "fetch", other, "8080")).toBe("");
  }
  const words = ["get", "pods", "-n", "six", "-l", "com.docker.compose.service=web", "-o", "json"];
  const [web] = JSON.parse(await testbed.tsctl(words)).items;
  await expect.poll(() => run("store", "nslookup", "inner"), PATIENCE).toContain(web.status.networks[1].ips[1]);
});

test("published ports and host ports lead to pods of networks by IPv6, under every address that a host has on the link", async () => {
  const hosts = ["host1", "host2"];
  const addressesOf = (host: string): readonly string[] =>
    ["", ":1"].map((end) => `2001:db8:9::${host.slice(-1)}${end}`);
  const onHosts = async (act: "add" | "delete", ...flags: readonly string[]): Promise<void> => {
    for (const host of hosts)
      for (const address of addressesOf(host))
        await testbed.exec(host, ["ip", "address", act, `${address}/64`, "dev", "eth0", ...flags]);
  };
  await onHosts("add", "nodad");
  const told = async (host: string): Promise<readonly string[]> => {
    const { status } = JSON.parse(await testbed.tsctl(["get", "node", host, "-o", "json"]));
    return status.addresses.map(({ address }: { readonly address: string }) => address);
  };
  for (const host of hosts)
    await expect.poll(() => told(host), PATIENCE).toEqual(expect.arrayContaining([...addressesOf(host)]));
  const asked = async (from: string, address: string, port: number): Promise<string> =>
    (await testbed.exec(from, ["curl", "-gs", "-m", "3", `http://[${address}]:${port}/`])).stdout;
  for (const from of hosts)
    for (const address of hosts.flatMap(addressesOf))
      await expect.poll(() => asked(from, address, 18_080), PATIENCE).toMatch(/^web-/);
  await testbed.tsctl(["compose", "-p", "six", "down"]);
  await testbed.tsctl(["network", "create", "--ipv6", "six"]);
  const ports = ["-p", "18081:8080", "-p", "[2001:db8:9::1]:18082:8080"];
  const words = ["run", "-d", "--name", "ported", "--network", "six", "--node", "host1", ...ports];
  await testbed.tsctl([...words, "tallship/hello:1"]);
  for (const from of hosts) {
    for (const address of hosts.flatMap(addressesOf))
      await expect.poll(() => asked(from, address, 18_081), PATIENCE).toMatch(/^ported/);
    await expect.poll(() => asked(from, "2001:db8:9::1", 18_082), PATIENCE).toMatch(/^ported/);
    expect(await asked(from, "2001:db8:9::1:1", 18_082)).toBe("");
  }
  await testbed.tsctl(["rm", "-f", "ported"]);
  await expect.poll(async () => (await testbed.tryTsctl(["network", "rm", "six"])).exitCode, PATIENCE).toBe(0);
  await onHosts("delete");
});

test("what the cluster cannot give is refused in words", async () => {
  const spec = { ipFamilyPolicy: "SingleStack", ipFamilies: ["IPv4", "IPv6"], ports: [{ port: 80 }] };
  const input = JSON.stringify({ apiVersion: "v1", kind: "Service", metadata: { name: "odd" }, spec });
  const { exitCode, stderr } = await testbed.tryTsctl(["apply", "-f", "-"], { input });
  expect(exitCode).not.toBe(0);
  expect(stderr).toContain("must be 'RequireDualStack' or 'PreferDualStack' when multiple IP families are specified");
});

/** Of each family a new connection every fifty milliseconds. */
const PER_SECOND = 20;
const ANNOUNCED = ["192.0.2.10", "2001:db8:77::1"];
/** As in Kubernetes: a node with this label announces nothing. */
const EXCLUDED = "node.kubernetes.io/exclude-from-external-load-balancers";

/** Waits until a host answers for the addresses and the client on the link sends there: no stale entry stays with it. */
async function announcedBy(host: string): Promise<void> {
  const mac = await linkAddress(testbed, host);
  await waitFor(
    `the link to find both addresses at ${host}`,
    async () => {
      const holders = await Promise.all(ANNOUNCED.map((address) => holderOf(testbed, address)));
      return holders.every((holder) => holder === mac);
    },
    { deadlineMs: 30_000, everyMs: 100 },
  );
  const { status } = JSON.parse(await testbed.tsctl(["get", "service", "balanced", "-o", "json"]));
  expect(status.announcedBy).toBe(host);
}

async function moveFrom(host: string, to: string): Promise<void> {
  await testbed.tsctl(["label", "node", host, `${EXCLUDED}=`]);
  await announcedBy(to);
  await testbed.tsctl(["label", "node", host, `${EXCLUDED}-`]);
}

/** A move takes connections that are open at that moment from the host that knows them. */
const wasOpen = ({ what }: FailedRequest): boolean => what === "ECONNRESET";

test("a client on the link finds announced addresses all the time while they move because somebody wants it", async () => {
  await meetOnLink(testbed, ANNOUNCED);
  const asking = await startStrangers(testbed, ANNOUNCED, { perSecond: PER_SECOND, timeoutMs: 10_000 });
  const counts = await askedDuring(asking, async () => {
    await moveFrom("host2", "host1");
    await moveFrom("host1", "host2");
    await testbed.tsctl(["drain", "host2", "--ignore-daemonsets", "--force", "--timeout=60s"]);
    await testbed.tsctl(["delete", "node", "host2"]);
    await announcedBy("host1");
    // Its agent lives on, and makes itself known again.
    const isBack = async (): Promise<boolean> => /host2 +Ready/.test(await testbed.tsctl(["get", "nodes"]));
    await waitFor("host2 to be back", isBack, { deadlineMs: 30_000, everyMs: 200 });
    await testbed.tsctl(["rollout", "restart", "deploy/both"]);
    await testbed.tsctl(["rollout", "status", "deploy/both", "--timeout=60s"]);
  });
  for (const { failed, requests } of counts) {
    expect(failed.filter((each) => !wasOpen(each)).map(failureLine)).toEqual([]);
    // Three moves.
    expect(failed.length).toBeLessThanOrEqual(3);
    expect(requests).toBeGreaterThan(PER_SECOND);
  }
});

/** A host counts as lost after two seconds; the rest is for a machine that has much else to do. */
const SERVED_AGAIN_MS = 8_000;

test("addresses of a host that loses its power are served by another within seconds, also to who knows the lost one", async () => {
  await moveFrom("host1", "host2");
  const asking = await startStrangers(testbed, ANNOUNCED, { perSecond: PER_SECOND, timeoutMs: 900 });
  const moments = { cutMs: 0 };
  const counts = await askedDuring(asking, async () => {
    moments.cutMs = Date.now();
    await testbed.power("host2", "poweroff");
    await announcedBy("host1");
    const seenAt = performance.now();
    await waitFor("some more requests", () => performance.now() - seenAt > 3_000, { deadlineMs: 20_000 });
  });
  for (const { failed } of counts) {
    const began = failed.map(({ beganAtMs }) => beganAtMs - moments.cutMs);
    expect(Math.min(...began)).toBeGreaterThan(-1_000);
    expect(Math.max(...began)).toBeLessThan(SERVED_AGAIN_MS);
  }
});
