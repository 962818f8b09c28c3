import { afterAll, beforeAll, expect, test } from "vitest";
import { waitFor } from "../kit/wait.js";
import type { Testbed } from "../testbed/testbed.js";
import { manifest, pod, pods, startCluster, waitGone, waitReady } from "./cluster.js";

let testbed: Testbed;

beforeAll(async () => {
  testbed = await startCluster("stateful", { hostCount: 3 });
  await testbed.tsctl(["apply", "-f", manifest("statefulset.yaml")]);
  await waitReady(testbed, "app=numbered", 3);
});

afterAll(async () => {
  await testbed?.down();
});

const NAMES = ["numbered-0", "numbered-1", "numbered-2"];
const CLAIMS = NAMES.map((name) => `data-${name}`);

const json = async (...args: readonly string[]) => JSON.parse(await testbed.tsctl([...args, "-o", "json"]));

/** What a command in a pod says. */
const inPod = async (name: string, ...command: readonly string[]): Promise<string> =>
  (await testbed.tsctl(["exec", name, "--", ...command])).trim();

const claimNames = async (): Promise<readonly string[]> =>
  (await json("get", "pvc")).items.map((claim: { metadata: { name: string } }) => claim.metadata.name);

/** Host that each pod is on, by name. */
async function places(): Promise<Readonly<Record<string, string | undefined>>> {
  return Object.fromEntries(
    (await pods(testbed, "app=numbered")).map((each) => [each.metadata.name, each.spec.nodeName]),
  );
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  await waitFor(what, holds, { deadlineMs: 60_000, everyMs: 100 });
}

/** Folders of volumes on all hosts. */
async function folders(): Promise<readonly string[]> {
  const all = await Promise.all(
    testbed.layout.hosts.map(({ name }) =>
      testbed.exec(name, ["sh", "-c", "ls /var/lib/tallship/volumes 2>/dev/null || true"]),
    ),
  );
  return all.flatMap(({ stdout }) => stdout.split("\n").filter((line) => line !== ""));
}

test("the pods came in order, each with a claim that is bound to a folder of its host", async () => {
  const { items } = await json("get", "pods", "-l", "app=numbered");
  expect(items.map((each: { metadata: { name: string } }) => each.metadata.name)).toEqual(NAMES);
  // In order: each was created once the one before was ready. Times are whole seconds.
  const born = items.map((each: { metadata: { creationTimestamp: string } }) => each.metadata.creationTimestamp);
  expect([...born].sort()).toEqual(born);
  const table = await testbed.tsctl(["get", "pvc"]);
  for (const claim of CLAIMS)
    expect(table).toMatch(new RegExp(`${claim}\\s+Bound\\s+pvc-\\S+\\s+10Mi\\s+RWO\\s+local`));
  expect(await testbed.tsctl(["get", "storageclass"])).toMatch(/local \(default\)\s+tallship.dev\/local\s+Delete/);
  expect(await testbed.tsctl(["get", "pv"])).toMatch(/Bound\s+default\/data-numbered-0/);
  expect(await folders()).toHaveLength(3);
  await expect.poll(() => testbed.tsctl(["get", "statefulset"])).toMatch(/numbered\s+3\/3/);
});

test("each pod answers by its own name, on every host, and knows it itself", async () => {
  for (const asker of NAMES)
    for (const name of NAMES) {
      for (const domain of ["numbered", "numbered.default.svc.cluster.local"])
        await expect.poll(() => inPod(asker, "fetch", `${name}.${domain}`, "8080")).toContain(name);
    }
  expect(await inPod("numbered-1", "cat", "/etc/hosts")).toContain(
    "numbered-1.numbered.default.svc.cluster.local\tnumbered-1",
  );
});

test("what a pod wrote is there when it was replaced, on the same host", async () => {
  for (const name of NAMES) await inPod(name, "sh", "-c", `echo ${name} > /data/who`);
  const before = await places();
  const uid = (await pod(testbed, "numbered-1"))?.metadata.uid;
  await testbed.tsctl(["delete", "pod", "numbered-1"]);
  await until("numbered-1 to be another pod", async () => {
    const now = (await pod(testbed, "numbered-1"))?.metadata.uid;
    return now !== undefined && now !== uid;
  });
  await waitReady(testbed, "app=numbered", 3);
  expect(await inPod("numbered-1", "cat", "/data/who")).toBe("numbered-1");
  expect(await places()).toEqual(before);
});

test("scaled down the highest goes and its claim stays; scaled up it finds what it wrote", async () => {
  await testbed.tsctl(["scale", "statefulset/numbered", "--replicas=1"]);
  await waitReady(testbed, "app=numbered", 1);
  expect(Object.keys(await places())).toEqual(["numbered-0"]);
  expect(await claimNames()).toEqual(CLAIMS);
  await testbed.tsctl(["scale", "statefulset/numbered", "--replicas=3"]);
  await waitReady(testbed, "app=numbered", 3);
  expect(await inPod("numbered-2", "cat", "/data/who")).toBe("numbered-2");
});

test("a new template reaches the pods from the partition up", async () => {
  const patch = {
    spec: {
      updateStrategy: { rollingUpdate: { partition: 2 } },
      template: { metadata: { annotations: { round: "2" } } },
    },
  };
  await testbed.tsctl(["patch", "statefulset", "numbered", "-p", JSON.stringify(patch)]);
  const rounds = async (): Promise<readonly (string | undefined)[]> =>
    (await json("get", "pods", "-l", "app=numbered")).items.map(
      (each: { metadata: { annotations?: Record<string, string> } }) => each.metadata.annotations?.["round"],
    );
  await until("numbered-2 to be updated", async () => (await rounds())[2] === "2");
  await waitReady(testbed, "app=numbered", 3);
  expect(await rounds()).toEqual([undefined, undefined, "2"]);
  const rest = { spec: { updateStrategy: { rollingUpdate: { partition: 0 } } } };
  await testbed.tsctl(["patch", "statefulset", "numbered", "-p", JSON.stringify(rest)]);
  await until("all to be updated", async () => (await rounds()).every((round) => round === "2"));
  await waitReady(testbed, "app=numbered", 3);
  expect(await inPod("numbered-0", "cat", "/data/who")).toBe("numbered-0");
});

test("a claim that is used stays until its pod is gone, and says so; then its folder goes", async () => {
  await testbed.tsctl(["delete", "pvc", "data-numbered-2", "--wait=false"]);
  expect(await testbed.tsctl(["get", "pvc", "data-numbered-2"])).toMatch(/Terminating/);
  await testbed.tsctl(["scale", "statefulset/numbered", "--replicas=2"]);
  await until("the claim to go", async () => !(await claimNames()).includes("data-numbered-2"));
  await until("its folder to go", async () => (await folders()).length === 2);
});

test("deleted with the set, the claims go and so do their folders", async () => {
  const policy = { spec: { persistentVolumeClaimRetentionPolicy: { whenDeleted: "Delete", whenScaled: "Retain" } } };
  await testbed.tsctl(["patch", "statefulset", "numbered", "-p", JSON.stringify(policy)]);
  await until("the set to own its claims", async () => {
    const { items } = await json("get", "pvc");
    return items.every(
      (each: { metadata: { ownerReferences?: unknown[] } }) => each.metadata.ownerReferences?.length === 1,
    );
  });
  await testbed.tsctl(["delete", "statefulset", "numbered"]);
  await waitGone(testbed, "app=numbered");
  await until(
    "claims and volumes to go",
    async () => (await claimNames()).length + (await json("get", "pv")).items.length === 0,
  );
  await until("the folders to go", async () => (await folders()).length === 0);
});
