import { afterAll, beforeAll, expect, test } from "vitest";
import { waitFor } from "../kit/wait.js";
import { DUAL_STACK, Testbed } from "../testbed/testbed.js";
import { applyText, manifest, pods, waitReady } from "./cluster.js";

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

beforeAll(async () => {
  testbed = await Testbed.up({
    ...{ name: `dual-${process.pid}`, hostCount: 2, controlPlaneCount: 1, initWords: DUAL_STACK },
    report: () => undefined,
  });
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

test("what the cluster cannot give is refused in words", async () => {
  const spec = { ipFamilyPolicy: "SingleStack", ipFamilies: ["IPv4", "IPv6"], ports: [{ port: 80 }] };
  const input = JSON.stringify({ apiVersion: "v1", kind: "Service", metadata: { name: "odd" }, spec });
  const { exitCode, stderr } = await testbed.tryTsctl(["apply", "-f", "-"], { input });
  expect(exitCode).not.toBe(0);
  expect(stderr).toContain("must be RequireDualStack or PreferDualStack when multiple ipFamilies are specified");
});
