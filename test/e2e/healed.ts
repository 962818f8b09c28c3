import { expect } from "vitest";
import { waitFor } from "../kit/wait.js";
import type { Testbed } from "../testbed/testbed.js";
import { pods } from "./cluster.js";

/** A server on every host, for whoever wants to know whether all of them are reached. */
export const SERVERS = `apiVersion: apps/v1
kind: DaemonSet
metadata: { name: everywhere }
spec:
  selector: { matchLabels: { app: everywhere } }
  template:
    metadata: { labels: { app: everywhere } }
    spec:
      terminationGracePeriodSeconds: 1
      containers: [{ name: web, image: tallship/hello:1, readinessProbe: { httpGet: { path: /, port: 8080 } } }]
`;

/** What the cluster promises of the time after a fault. */
const HEALED_MS = 5_000;

/** From now on every host reaches every server that is ready, within five seconds. */
export async function expectReached(testbed: Testbed): Promise<void> {
  const servers = await pods(testbed, "app=everywhere");
  const addresses = servers
    .filter(({ status }) => status.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True"))
    .map(({ status }) => status.podIP ?? "");
  expect(addresses).toHaveLength(testbed.layout.hosts.length);
  const ask = addresses.map((each) => `(curl -s -o /dev/null -m 1 http://${each}:8080/ || echo ${each}) &`).join(" ");
  await expectHealed("every host to reach every server", async () => {
    const all = testbed.layout.hosts.map(async ({ name }) => {
      const { stdout } = await testbed.exec(name, ["sh", "-c", `${ask} wait`]);
      return stdout
        .split("\n")
        .filter(Boolean)
        .map((address) => `${name} to ${address}`);
    });
    return (await Promise.all(all)).flat();
  });
}

/** From now on nothing is missing, within five seconds. */
export async function expectHealed(what: string, missing: () => Promise<readonly string[]>): Promise<void> {
  const healedAt = performance.now();
  let left: readonly string[] = [];
  let slow: readonly string[] = [];
  await waitFor(
    () => `${what}; missing: ${left.join(", ")}`,
    async () => {
      slow = left;
      left = await missing();
      return left.length === 0;
    },
  );
  const tookMs = Math.round(performance.now() - healedAt);
  expect(tookMs, `${what}: at last ${slow.join(", ")}`).toBeLessThan(HEALED_MS);
}

/** How many entries of the kernel's tables agents had to put back so far, by host: what is as it should be needs none. */
export async function repairedEntries(testbed: Testbed): Promise<Readonly<Record<string, number>>> {
  const counts = testbed.layout.hosts.map(async ({ name }) => {
    const { stdout } = await testbed.exec(name, ["curl", "-sS", "http://127.0.0.1:7446/metrics"]);
    const values = [...stdout.matchAll(/^tallship_network_repaired_entries_total\{.*\} (\d+)$/gm)];
    expect(stdout).toContain("tallship_network_repaired_entries_total");
    return [name, values.reduce((sum, [, value]) => sum + Number(value), 0)] as const;
  });
  return Object.fromEntries(await Promise.all(counts));
}
