import { isDeepStrictEqual } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { waitFor } from "../kit/wait.js";
import { processesOf } from "../testbed/cgroups.js";
import { argumentsOf, type Daemon } from "../testbed/processes.js";
import type { Testbed } from "../testbed/testbed.js";
import {
  applyText,
  containerPids,
  manifest,
  pod,
  podYaml,
  remains,
  startCluster,
  waitGone,
  waitReady,
} from "./cluster.js";

let testbed: Testbed;
const HOSTS = ["host1", "host2", "host3"] as const;

beforeAll(async () => {
  testbed = await startCluster("survival", { hostCount: 3 });
  await testbed.tsctl(["apply", "-f", manifest("hello.yaml")]);
  await waitReady(testbed, "app=hello", 6);
});

afterAll(async () => {
  await testbed?.down();
});

function everyContainer(): readonly (readonly number[])[] {
  return HOSTS.map((host) => containerPids(testbed, host));
}

/** Waits until a killed daemon runs again under another process id. */
function waitBack(host: string, daemon: Daemon, before: readonly number[]): Promise<boolean> {
  return waitFor(
    `${daemon} of ${host} to be back`,
    () => {
      const now = testbed.pids(host, daemon);
      return now.length > 0 && now.every((pid) => !before.includes(pid));
    },
    { deadlineMs: 60_000 },
  );
}

for (const daemon of ["agent", "controlplane", "etcd", "dns"] as const) {
  test(`killing ${daemon} restarts no container and interrupts no service`, async () => {
    const containers = everyContainer();
    expect(containers.flat().length).toBeGreaterThanOrEqual(6);
    const address = JSON.parse(await testbed.tsctl(["get", "service", "hello", "-o", "json"])).spec.clusterIP;
    const before = testbed.pids("host1", daemon);
    const requests = testbed.exec("host1", [
      "sh",
      "-c",
      `for i in $(seq 60); do curl -s --max-time 2 http://${address}/ >/dev/null || echo failed; sleep 0.05; done`,
    ]);
    await testbed.process("host1", daemon, "kill");
    await waitBack("host1", daemon, before);
    expect((await requests).stdout).toBe("");
    await waitFor("the cluster to answer", async () => (await testbed.tryTsctl(["get", "pods"])).exitCode === 0);
    await waitReady(testbed, "app=hello", 6);
    expect(everyContainer()).toEqual(containers);
  });
}

test("an agent that was killed knows the containers that ended meanwhile, with their exit codes", async () => {
  await applyText(
    testbed,
    podYaml(
      "brief",
      ["sh", "-c", "until test -e /told/end; do sleep 0.1; done; exit 5"],
      "      volumeMounts: [{ name: told, mountPath: /told }]\n",
      "  restartPolicy: Never\n  nodeSelector: { kubernetes.io/hostname: host2 }\n  volumes: [{ name: told, hostPath: { path: /run/told, type: DirectoryOrCreate } }]\n",
    ),
  );
  await waitFor("brief to run", async () => /Running/.test(await testbed.tsctl(["get", "pod", "brief"])));
  await testbed.process("host2", "supervise", "kill");
  await testbed.process("host2", "agent", "kill");
  const before = containerPids(testbed, "host2").length;
  await testbed.exec("host2", ["touch", "/run/told/end"]);
  await waitFor("brief to end", () => containerPids(testbed, "host2").length < before);
  await testbed.process("host2", "agent", "start");
  await waitFor(
    "the exit code to be known",
    async () => {
      const seen = JSON.parse(await testbed.tsctl(["get", "pod", "brief", "-o", "json"]));
      return seen.status.containerStatuses?.[0]?.state?.terminated?.exitCode === 5;
    },
    { deadlineMs: 60_000, everyMs: 200 },
  );
});

test("a container whose monitor was killed is replaced, and how it ended is told as lost", async () => {
  const command = ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.05; done"];
  await applyText(testbed, podYaml("watched", command, "", "  nodeSelector: { kubernetes.io/hostname: host2 }\n"));
  const [before] = await waitReady(testbed, "app=watched", 1);
  const monitor = processesOf(testbed.host("host2").cgroup).find((pid) => {
    const words = argumentsOf(pid);
    return words[0]?.endsWith("conmon") === true && words.some((word) => word.includes(before?.metadata.uid ?? "none"));
  });
  if (monitor === undefined) throw new Error("the container has no monitor");
  process.kill(monitor, "SIGKILL");
  const after = await waitFor("it to be replaced", async () => {
    const seen = await pod(testbed, "watched");
    const [main] = seen?.status.containerStatuses ?? [];
    return main?.restartCount === 1 && main.state.running !== undefined ? main : undefined;
  });
  expect(after.lastState?.terminated).toMatchObject({ reason: "ContainerStatusUnknown", exitCode: 137 });
  await testbed.tsctl(["delete", "pod", "watched"]);
});

test("an apply that was cut is finished by running it again", async () => {
  const many = Array.from(
    { length: 400 },
    (_, at) =>
      `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: many-${at}, labels: { set: many } }\ndata: { at: "${at}" }\n`,
  ).join("---\n");
  const cut = testbed.tryTsctl(["apply", "-f", "-"], { input: many });
  await testbed.process("host1", "controlplane", "kill");
  await cut;
  await waitFor(
    "a rerun to succeed",
    async () => (await testbed.tryTsctl(["apply", "-f", "-"], { input: many })).exitCode === 0,
    { deadlineMs: 30_000, everyMs: 500 },
  );
  const { items } = JSON.parse(await testbed.tsctl(["get", "configmaps", "-l", "set=many", "-o", "json"]));
  expect(items).toHaveLength(400);
});

test("a host that lost power is NotReady, its pods run elsewhere, and it comes back", async () => {
  await testbed.power("host3", "poweroff");
  await waitFor("host3 to be NotReady", async () => /host3\s+NotReady/.test(await testbed.tsctl(["get", "nodes"])));
  await waitFor(
    "six pods on two hosts",
    async () => {
      const { items } = JSON.parse(await testbed.tsctl(["get", "pods", "-l", "app=hello", "-o", "json"]));
      const running = items.filter(
        (each: { spec: { nodeName: string }; status: { phase: string } }) =>
          each.spec.nodeName !== "host3" && each.status.phase === "Running",
      );
      return running.length === 6;
    },
    { deadlineMs: 60_000, everyMs: 200 },
  );
  await testbed.power("host3", "start");
  await waitFor("host3 to be Ready", async () => /host3\s+Ready/.test(await testbed.tsctl(["get", "nodes"])));
  await waitReady(testbed, "app=hello", 6);
});

test("after everything was deleted nothing is left on any host", async () => {
  await testbed.tsctl(["delete", "-f", manifest("hello.yaml")]);
  await testbed.tsctl(["delete", "pod", "brief"]);
  await waitGone(testbed, "");
  for (const host of HOSTS) {
    await expect.poll(() => remains(testbed, host)).toEqual({ namespaces: [], mounts: [], cgroups: [], conmons: [] });
  }
});

/** What is left of pods on a host, each list sorted. */
async function leftOn(host: string): Promise<unknown> {
  const { conmons: _pids, ...lists } = await remains(testbed, host);
  return Object.fromEntries(Object.entries(lists).map(([name, list]) => [name, [...list].sort()]));
}

test("an agent that is killed at any moment of a pod's creation and deletion finishes both, and leaves nothing", async () => {
  const host = "host2";
  await testbed.tryTsctl(["delete", "deployment", "hello"]); // Its pods would move while the agent is away.
  await waitGone(testbed, "app=hello");
  const before = await leftOn(host);
  // Pulled already: a creation takes some 80 ms from the API's answer on, a deletion some 60.
  for (const afterMs of [0, 20, 40, 60, 90]) {
    const name = `killed-${afterMs}`;
    const command = ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.05; done"];
    // The pod stays bound to its node while that has no agent.
    const spec = `  nodeSelector: { kubernetes.io/hostname: ${host} }\n  tolerations: [{ operator: Exists }]\n`;
    await applyText(testbed, podYaml(name, command, "", spec));
    await pass(afterMs);
    await kill(host);
    const [pod] = await waitReady(testbed, `app=${name}`, 1);
    expect(pod?.status.containerStatuses?.[0]?.restartCount).toBe(0);
    await testbed.tsctl(["delete", "pod", name, "--wait=false"]);
    await pass(afterMs);
    await kill(host);
    await waitGone(testbed, `app=${name}`);
  }
  await waitFor("nothing to be left", async () => isDeepStrictEqual(await leftOn(host), before));
});

/** Kills a host's agent; one that was killed just before is waited for. A supervisor of its own starts each one anew: the same would let an agent that dies again and again wait. */
async function kill(host: string): Promise<void> {
  for (const daemon of ["agent", "supervise"] as const) {
    await waitFor(`${host} to have its ${daemon}`, () => testbed.pids(host, daemon).length > 0, { deadlineMs: 20_000 });
    await testbed.process(host, daemon, "kill");
  }
  await testbed.process(host, "supervise", "start");
}

/** Chooses the moment of a kill; nothing is waited for by it. */
function pass(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
