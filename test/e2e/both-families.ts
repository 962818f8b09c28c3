import { expect } from "vitest";
import { waitFor } from "../kit/wait.js";
import type { Testbed } from "../testbed/testbed.js";
import { manifest, pods } from "./cluster.js";

/** Makes service `both` of manifests/dual-stack.yaml and fails unless a client, as exec names it, reaches its pods on other hosts by both families: by their addresses, its own, and its name. */
export async function expectBothFamilies(testbed: Testbed, client: readonly string[]): Promise<void> {
  await testbed.tsctl(["apply", "-f", manifest("dual-stack.yaml"), "--wait"]);
  const told = async (...words: readonly string[]): Promise<string> =>
    (await testbed.tryTsctl(["exec", ...client, "--", ...words])).stdout;
  const all = await pods(testbed, "app=both");
  expect(new Set(all.map(({ spec }) => spec.nodeName)).size).toBeGreaterThan(1);
  const addresses = all.flatMap(({ metadata, status }) =>
    (status.podIPs ?? []).map(({ ip }) => ({ ip, name: metadata.name })),
  );
  expect(addresses.filter(({ ip }) => ip.startsWith("fd00:10:128:"))).toHaveLength(all.length);
  expect(addresses).toHaveLength(2 * all.length);
  await Promise.all(
    addresses.map(({ ip, name }) =>
      waitFor(`${name} to answer at ${ip}`, async () => (await told("fetch", ip, "8080")).startsWith(name)),
    ),
  );
  const { clusterIPs } = JSON.parse(await testbed.tsctl(["get", "service", "both", "-o", "json"])).spec;
  expect(clusterIPs).toEqual([expect.stringMatching(/^10\.\d/), expect.stringMatching(/^fd00:10:96::/)]);
  for (const ip of clusterIPs) {
    await waitFor(`an answer at ${ip}`, async () => (await told("fetch", ip)).startsWith("both-"));
    await expect.poll(() => told("nslookup", "both.default.svc.cluster.local")).toContain(ip);
  }
}
