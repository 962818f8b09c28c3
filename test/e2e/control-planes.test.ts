import { afterAll, beforeAll, expect, test } from "vitest";
import { waitFor } from "../kit/wait.js";
import { askedDuring, startStrangers } from "../testbed/request-streams.js";
import { holderOf, linkAddress, meetOnLink } from "../testbed/stranger.js";
import type { Testbed } from "../testbed/testbed.js";
import { applyText, containerPids, manifest, pods, type SeenPod, startCluster, waitReady } from "./cluster.js";

const ANNOUNCED = "192.0.2.10";
const BALANCED = `
apiVersion: v1
kind: ConfigMap
metadata: {name: load-balancer-pool, namespace: kube-system}
data: {addresses: "${ANNOUNCED}"}
---
apiVersion: v1
kind: Service
metadata: {name: balanced}
spec: {type: LoadBalancer, selector: {app: hello}, ports: [{port: 80, targetPort: http}]}
`;
/** As in Kubernetes: a node with this label announces nothing. */
const EXCLUDED = "node.kubernetes.io/exclude-from-external-load-balancers";

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

/** The host that answers for the address, once the client on the link sends there. */
async function announcer(...allowed: readonly string[]): Promise<string> {
  const macs = new Map<string, string>();
  for (const host of allowed) macs.set(await linkAddress(testbed, host), host);
  return waitFor(
    `the link to find the address at ${allowed.join(" or ")}`,
    async () => macs.get(await holderOf(testbed, ANNOUNCED)),
    { deadlineMs: 30_000, everyMs: 100 },
  );
}

/** The first control plane leads; etcd's leader is there too. */
const LEADER = "host1";
const OTHERS = ["host2", "host3"];

test("an address is announced by another host than the leader's, and stays with whoever announces it", async () => {
  await applyText(testbed, BALANCED);
  const announcedBy = async (): Promise<string> =>
    JSON.parse(await testbed.tsctl(["get", "service", "balanced", "-o", "json"])).status?.announcedBy ?? "";
  await waitFor("it to be announced", async () => (await announcedBy()) !== "");
  expect(OTHERS).toContain(await announcedBy());
  for (const host of OTHERS) await testbed.tsctl(["label", "node", host, `${EXCLUDED}=`]);
  await waitFor("it to move to the leader's", async () => (await announcedBy()) === LEADER);
  for (const host of OTHERS) await testbed.tsctl(["label", "node", host, `${EXCLUDED}-`]);
  expect(await announcedBy()).toBe(LEADER);
});

/** Longer than it takes on a machine that has much else to do. */
const SERVED_AGAIN_MS = 15_000;

test("the power cut of one of three control planes, which leads and announces an address, loses no acknowledged write and no container elsewhere, and the address for some seconds alone", async () => {
  await testbed.tsctl(["scale", "deploy/hello", "--replicas=4"]);
  await waitReady(testbed, "app=hello", 4);
  const before = containerPids(testbed, "host2");
  await meetOnLink(testbed, [ANNOUNCED]);
  const asking = await startStrangers(testbed, [ANNOUNCED], { perSecond: 20, timeoutMs: 900 });
  const moments = { cutMs: 0 };
  const [asked] = await askedDuring(asking, async () => {
    await announcer(LEADER);
    moments.cutMs = Date.now();
    await testbed.power(LEADER, "poweroff");
    await waitFor(
      "the others to answer a write",
      async () => (await testbed.tryTsctl(["scale", "deploy/hello", "--replicas=5"])).exitCode === 0,
      { deadlineMs: 30_000, everyMs: 200 },
    );
    await announcer(...OTHERS);
    await waitFor("five ready pods on the two others", async () => (await readyElsewhere(LEADER)) === 5, {
      deadlineMs: 40_000,
      everyMs: 200,
    });
  });
  for (const pid of before) expect(containerPids(testbed, "host2")).toContain(pid);
  const began = (asked?.failed ?? []).map(({ beganAtMs }) => beganAtMs - moments.cutMs);
  expect(Math.max(...began)).toBeLessThan(SERVED_AGAIN_MS);
  expect(asked?.requests).toBeGreaterThan(began.length);
});

test("it comes back as a member and its node is Ready again", async () => {
  await testbed.power("host1", "start");
  await waitFor("host1 to be Ready", async () => /host1\s+Ready/.test(await testbed.tsctl(["get", "nodes"])), {
    deadlineMs: 40_000,
    everyMs: 200,
  });
  expect(testbed.pids("host1", "etcd")).toHaveLength(1);
});
