import { afterAll, beforeAll, expect, test } from "vitest";
import { waitFor } from "../kit/wait.js";
import type { Testbed } from "../testbed/testbed.js";
import { manifest, startCluster } from "./cluster.js";

let testbed: Testbed;

beforeAll(async () => {
  testbed = await startCluster("policies", { hostCount: 3 });
  await testbed.tsctl(["apply", "-f", manifest("network-policy.yaml"), "--wait"]);
});

afterAll(async () => {
  await testbed?.down();
});

/** Whether one tier's pod gets an answer from another's service. */
async function reaches(from: string, to: string): Promise<boolean> {
  const words = ["exec", "-n", "tiers", `deploy/${from}`, "--", "fetch", to];
  return (await testbed.tryTsctl(words)).stdout.startsWith(`${to}-`);
}

const KEPT = [
  ["front", "back", true],
  ["back", "store", true],
  ["front", "store", false],
  ["back", "front", false],
  ["store", "back", false],
] as const;

/** Waits until whoever may reach another does, as nodes hear of pods and services one after the other; whoever may not must not, all the while. */
async function expectKept(): Promise<void> {
  const strays: string[] = [];
  await waitFor(
    "those who may to reach each other",
    async () => {
      const found = await Promise.all(
        KEPT.map(async ([from, to, may]) => ({ from, to, may, does: await reaches(from, to) })),
      );
      strays.push(...found.filter(({ may, does }) => does && !may).map(({ from, to }) => `${from} reached ${to}`));
      return found.every(({ may, does }) => does || !may);
    },
    { deadlineMs: 60_000, everyMs: 200 },
  );
  expect(strays).toEqual([]);
}

test("pods become ready though everything is denied: their own host's probes pass", async () => {
  const rows = await testbed.tsctl(["get", "deploy", "-n", "tiers", "--no-headers"]);
  expect(rows.match(/2\/2/g)).toHaveLength(3);
});

test("each tier reaches its neighbour by name, and nobody else", async () => {
  await expectKept();
});

test("nobody from another namespace gets in, whatever its labels", async () => {
  const container = { name: "web", image: "tallship/hello:1" };
  const pod = { apiVersion: "v1", kind: "Pod", metadata: { name: "guest", labels: { tier: "front" } } };
  const input = JSON.stringify({ ...pod, spec: { containers: [container], terminationGracePeriodSeconds: 1 } });
  await testbed.tsctl(["apply", "-f", "-"], { input });
  await testbed.tsctl(["wait", "pod/guest", "--for=condition=Ready", "--timeout=60s"]);
  const words = ["exec", "guest", "--", "fetch", "back.tiers"];
  expect((await testbed.tryTsctl(words)).stdout).not.toMatch(/^back-/);
  await testbed.tsctl(["delete", "pod", "guest"]);
});

test("pods that come are closed and open as the others", async () => {
  await testbed.tsctl(["scale", "-n", "tiers", "deploy/store", "deploy/back", "--replicas=6"]);
  await testbed.tsctl(["rollout", "status", "-n", "tiers", "deploy/store", "--timeout=60s"]);
  await testbed.tsctl(["rollout", "status", "-n", "tiers", "deploy/back", "--timeout=60s"]);
  await expectKept();
});

test("the death of agents and of the control plane opens nothing, and closes nothing", async () => {
  for (const host of ["host1", "host2", "host3"]) await testbed.process(host, "agent", "kill");
  await testbed.process("host1", "controlplane", "kill");
  // Nobody can look into pods while there is no control plane.
  await expectKept();
});

test("what somebody flushes is put back", async () => {
  await testbed.exec("host2", ["nft", "flush", "ruleset"]);
  const tables = async (): Promise<string> => (await testbed.exec("host2", ["nft", "list", "tables"])).stdout;
  const areBack = async (): Promise<boolean> => (await tables()).match(/inet tallship(-firewall)?$/gm)?.length === 2;
  await waitFor("the tables of host2", areBack, { deadlineMs: 60_000, everyMs: 200 });
  await expectKept();
});

test("pods do not reach the agents' port, and everything else once no policy is left", async () => {
  const address = testbed.host("host2").address;
  const dial = async (port: number): Promise<string> => {
    const words = [
      "exec",
      "-n",
      "tiers",
      "deploy/front",
      "--",
      "sh",
      "-c",
      `nc -w 1 ${address} ${port} </dev/null; echo $?`,
    ];
    return (await testbed.tryTsctl(words)).stdout.trim();
  };
  await testbed.tsctl(["delete", "networkpolicy", "-n", "tiers", "--all"]);
  expect(await dial(7446)).toBe("1");
  await waitFor("everything to be open", () => reaches("store", "front"));
});

test("when pods and policies go, nothing of them stays in the kernel", async () => {
  await testbed.tsctl(["delete", "namespace", "tiers"]);
  const left = async (): Promise<number> => {
    const listed = await testbed.exec("host1", ["nft", "list", "table", "inet", "tallship-firewall"]);
    return listed.stdout.match(/(?:pods|allow|ports)-[0-9a-f]{20}/g)?.length ?? 0;
  };
  await waitFor("the firewall to be as before", async () => (await left()) === 0, { deadlineMs: 60_000, everyMs: 500 });
});
