import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { waitFor } from "../kit/wait.js";
import { hierarchies } from "../testbed/cgroups.js";
import type { Testbed } from "../testbed/testbed.js";
import { applyText, pod, podYaml, type SeenPod, startCluster, waitGone } from "./cluster.js";

/** Neighbours that make all the noise they can, on a host of 1.3 GiB of memory and 2 GiB of disk. */
let testbed: Testbed;

const MEMORY_BYTES = 1_400_000_000;

/** A server that is asked every second, and restarted when it does not answer. */
const CALM = podYaml(
  "calm",
  ["/bin/serve"],
  `      readinessProbe: { httpGet: { path: /, port: 8080 }, periodSeconds: 1, initialDelaySeconds: 2, timeoutSeconds: 3 }
      livenessProbe: { httpGet: { path: /, port: 8080 }, periodSeconds: 1, initialDelaySeconds: 2, timeoutSeconds: 3, failureThreshold: 5 }
      resources: { requests: { memory: 32Mi, cpu: 50m } }
`,
);

beforeAll(async () => {
  testbed = await startCluster("pressure", {
    ...{ hostCount: 1, diskMib: 2_048 },
    hostOptions: [
      "--eviction-hard=memory.available<250Mi,nodefs.available<30%",
      "--eviction-pressure-transition-period=3s",
    ],
  });
  limitMemory();
  await applyText(testbed, CALM);
  await until("calm", "to be ready", isReady);
});

afterAll(async () => {
  await testbed?.down();
});

/** What the machine has more of is not this host's. */
function limitMemory(): void {
  const { cgroup } = testbed.host("host1");
  const names = ["memory.max", "memory.limit_in_bytes"];
  const files = hierarchies().flatMap(({ mountPoint }) => names.map((name) => join(mountPoint, cgroup, name)));
  const file = files.find((path) => existsSync(path));
  if (file === undefined) throw new Error("the host's memory cannot be bounded");
  writeFileSync(file, `${MEMORY_BYTES}`);
}

function until(name: string, what: string, check: (seen: SeenPod) => boolean): Promise<SeenPod> {
  return waitFor(
    `${name}: ${what}`,
    async () => {
      const seen = await pod(testbed, name);
      return seen !== undefined && check(seen) ? seen : undefined;
    },
    { deadlineMs: 90_000, everyMs: 200 },
  );
}

const isReady = ({ status }: SeenPod): boolean =>
  status.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True") === true;
const isEvicted = ({ status }: SeenPod): boolean => status.phase === "Failed" && status.reason === "Evicted";
const condition = ({ status }: SeenPod, type: string) => status.conditions?.find((one) => one.type === type);

async function node(): Promise<{ readonly taints: readonly string[]; readonly pressed: readonly string[] }> {
  const { spec, status } = JSON.parse(await testbed.tsctl(["get", "node", "host1", "-o", "json"]));
  const conditions: readonly { readonly type: string; readonly status: string }[] = status.conditions;
  const taints: readonly { readonly key: string }[] = spec.taints ?? [];
  const pressed = conditions.filter(({ type, status: is }) => type.endsWith("Pressure") && is === "True");
  return { taints: taints.map(({ key }) => key), pressed: pressed.map(({ type }) => type) };
}

/** Nobody else has paid: the neighbour was never restarted and answers, and the node is as before. */
async function expectCalm(): Promise<void> {
  const calm = await until("calm", "to be ready", isReady);
  expect(calm.status.containerStatuses?.[0]?.restartCount).toBe(0);
  await waitFor("the node to lack nothing", async () => (await node()).pressed.length === 0, {
    deadlineMs: 60_000,
    everyMs: 200,
  });
  expect((await node()).taints).toEqual([]);
  // Its probes were asked every second all the while.
  expect(await testbed.tsctl(["events", "--for=pod/calm", "--filter=event=Unhealthy", "--format=json"])).toBe("");
}

async function away(name: string): Promise<void> {
  await testbed.tsctl(["delete", "pod", name, "--force", "--grace-period=0"]);
  await waitGone(testbed, `app=${name}`);
}

test("who fills the disk goes, by name, and takes with it what it wrote", async () => {
  await applyText(testbed, podYaml("filler", ["/bin/sh", "-c", "dd if=/dev/zero of=/fill bs=1M; sleep 1000"]));
  const filler = await until("filler", "to be evicted", isEvicted);
  expect(filler.status.message).toMatch(
    /^The node was low on resource: ephemeral-storage\. Threshold quantity: .*, available: .*\. Container main was using .*, request is 0, has larger consumption of ephemeral-storage\. $/,
  );
  expect(condition(filler, "DisruptionTarget")).toMatchObject({ status: "True", reason: "TerminationByKubelet" });
  await expectCalm();
  for (const event of [/NodeHasDiskPressure/, /Evicted.*filler/])
    await expect.poll(() => testbed.tsctl(["get", "events"])).toMatch(event);
  await away("filler");
});

test("who takes all memory goes, by name", async () => {
  const hog = ["/bin/sh", "-c", "exec dd if=/dev/zero of=/dev/null bs=1100M count=1000000"];
  await applyText(testbed, podYaml("hog", hog));
  const seen = await until("hog", "to pay", ({ status }) => {
    const [state, last] = [status.containerStatuses?.[0]?.state, status.containerStatuses?.[0]?.lastState];
    return status.reason === "Evicted" || [state, last].some((one) => one?.terminated?.reason === "OOMKilled");
  });
  if (seen.status.reason === "Evicted") expect(seen.status.message).toMatch(/^The node was low on resource: memory\. /);
  await away("hog");
  await expectCalm();
});

test("who starts processes without end has only so many, and its neighbours answer", async () => {
  // A number that no other test's processes sleep: all hosts' are seen.
  const bomb = ["/bin/sh", "-c", "while :; do sleep 86431 & done"];
  await applyText(testbed, podYaml("bomb", bomb, "      resources: { limits: { memory: 128Mi } }\n"));
  await until("bomb", "to run", ({ status }) => status.phase === "Running");
  const count = async (): Promise<number> =>
    Number((await testbed.exec("host1", ["sh", "-c", "pgrep -xf 'sleep 86431' | wc -l"])).stdout);
  const isBounded = async (): Promise<boolean> => {
    const seen = await pod(testbed, "bomb");
    const { lastState, state } = seen?.status.containerStatuses?.[0] ?? { state: {} };
    return (await count()) > 3_000 || [lastState, state].some((one) => one?.terminated !== undefined);
  };
  await waitFor("its bound", isBounded, { deadlineMs: 60_000, everyMs: 200 });
  expect(await count()).toBeLessThanOrEqual(4_096);
  // By an event, or by its own end when its memory was used up before.
  const isNamed = async (): Promise<boolean> => {
    const { lastState, state } = (await pod(testbed, "bomb"))?.status.containerStatuses?.[0] ?? { state: {} };
    if ([lastState, state].some((one) => one?.terminated !== undefined)) return true;
    return /TooManyProcesses +pod\/bomb +The pod has \d+ processes/.test(await testbed.tsctl(["get", "events"]));
  };
  await waitFor("it to be named", isNamed, { deadlineMs: 30_000, everyMs: 500 });
  await away("bomb");
  await expectCalm();
});

test("a flood of logs takes what a log may, and its neighbours answer", async () => {
  await applyText(testbed, podYaml("flood", ["/bin/sh", "-c", "yes 'all the noise that one container can make'"]));
  const flood = await until("flood", "to run", ({ status }) => status.phase === "Running");
  const folder = `/var/lib/tallship/logs/${flood.metadata.uid}`;
  const mebibytes = async (): Promise<number> =>
    Number((await testbed.exec("host1", ["du", "-sm", folder])).stdout.split("\t")[0]);
  await waitFor("its log to be full", async () => (await mebibytes()) > 30, { deadlineMs: 60_000, everyMs: 100 });
  let most = 0;
  for (let at = 0; at < 20; at += 1) most = Math.max(most, await mebibytes());
  expect(most).toBeLessThan(180);
  const isNamed = async (): Promise<boolean> =>
    /LogFlood +pod\/flood +The container writes more than a log keeps/.test(await testbed.tsctl(["get", "events"]));
  await waitFor("it to be named", isNamed, { deadlineMs: 30_000, everyMs: 500 });
  // The last line may be under way; and what is read may begin with a file that a rotation has just cut off.
  expect(await testbed.tsctl(["logs", "flood", "--tail=2"])).toMatch(/^([^\n]*make\n){1,2}[^\n]*$/);
  await away("flood");
  await expectCalm();
});

test("who keeps more on the disk than it may goes, whatever the node has left", async () => {
  const write = (path: string): readonly string[] => [
    "/bin/sh",
    "-c",
    `dd if=/dev/zero of=${path} bs=1M count=20; sleep 1000`,
  ];
  const volumes = "  volumes: [{ name: cache, emptyDir: { sizeLimit: 10Mi } }]\n";
  const mounts = "      volumeMounts: [{ name: cache, mountPath: /cache }]\n";
  const limited = "      resources: { limits: { ephemeral-storage: 10Mi } }\n";
  await applyText(
    testbed,
    `${podYaml("hoarder", write("/cache/x"), mounts, volumes)}---\n${podYaml("writer", write("/x"), limited)}`,
  );
  const hoarder = await until("hoarder", "to be evicted", isEvicted);
  const writer = await until("writer", "to be evicted", isEvicted);
  expect(hoarder.status.message).toBe('Usage of EmptyDir volume "cache" exceeds the limit "10Mi". ');
  expect(writer.status.message).toBe("Pod ephemeral local storage usage exceeds the total limit of containers 10Mi. ");
  await expectCalm();
});

test("a pod that is bound to a host which lacks room on its disk is refused there, by name", async () => {
  const fill = "/var/lib/tallship/fill";
  await testbed.exec("host1", ["sh", "-c", `dd if=/dev/zero of=${fill} bs=1M count=1500; true`]);
  await waitFor("the host to lack room", async () => (await node()).pressed.includes("DiskPressure"), {
    deadlineMs: 30_000,
    everyMs: 200,
  });
  await applyText(testbed, podYaml("late", ["/bin/serve"], "", "  nodeName: host1\n"));
  const late = await until("late", "to be refused", ({ status }) => status.phase === "Failed");
  expect(late.status).toMatchObject({
    reason: "Evicted",
    message: "Pod was rejected: The node had condition: [DiskPressure]. ",
  });
  const isNamed = async (): Promise<boolean> =>
    /Evicted +pod\/late +Pod was rejected/.test(await testbed.tsctl(["get", "events"]));
  await waitFor("it to be named", isNamed, { deadlineMs: 30_000, everyMs: 500 });
  await testbed.exec("host1", ["rm", fill]);
});
