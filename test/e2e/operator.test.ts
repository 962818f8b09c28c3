import { afterAll, beforeAll, expect, test } from "vitest";
import { waitFor } from "../kit/wait.js";
import type { Testbed } from "../testbed/testbed.js";
import { applyText, pod, pods, startCluster, waitReady } from "./cluster.js";

let testbed: Testbed;

beforeAll(async () => {
  testbed = await startCluster("operator", { hostCount: 3 });
});

afterAll(async () => {
  await testbed?.down();
});

const web = (minAvailable: number): string => `apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: 3
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      terminationGracePeriodSeconds: 2
      containers: [{ name: main, image: "tallship/hello:1" }]
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: { name: web }
spec:
  minAvailable: ${minAvailable}
  selector: { matchLabels: { app: web } }
`;

/** A job whose pods run until it is deleted. */
const sleepers = (name: string): string =>
  `---\napiVersion: batch/v1\nkind: Job\nmetadata: { name: ${name} }\nspec:\n  parallelism: 4\n  completions: 4\n  template:\n    spec: { restartPolicy: Never, terminationGracePeriodSeconds: 1, containers: [{ name: main, image: "tallship/hello:1", command: [sh, -c, "sleep 300"] }] }\n`;

test("a drain keeps to the budget: it says what blocks, and empties the host once the budget allows it", async () => {
  await applyText(testbed, web(3));
  await waitReady(testbed, "app=web", 3);
  const blocked = await testbed.tryTsctl(["drain", "host3", "--timeout=3s"]);
  expect(blocked.stderr).toContain("The disruption budget web needs 3 healthy pods and has 3 currently");
  expect(blocked.stderr).toContain('node "host3" is not drained after 3 s, 1 pod is left');
  expect(blocked.exitCode).toBe(8);
  expect((await pods(testbed, "app=web")).filter(({ spec }) => spec.nodeName === "host3")).toHaveLength(1);
  await applyText(testbed, web(2));
  const drained = await testbed.tsctl(["drain", "host3", "--timeout=60s"]);
  expect(drained).toMatch(
    /^node\/host3 already cordoned\nevicting pod default\/web-\S+\npod\/web-\S+ evicted\nnode\/host3 drained\n$/,
  );
  const ready = await waitReady(testbed, "app=web", 3);
  expect(ready.map(({ spec }) => spec.nodeName)).not.toContain("host3");
});

test("a pod that fits nowhere is explained, node by node, and a plan foretells it", async () => {
  const big =
    'apiVersion: v1\nkind: Pod\nmetadata: { name: big }\nspec: { nodeSelector: { disk: ssd }, containers: [{ name: main, image: "tallship/hello:1" }] }\n';
  const planned = await testbed.tryTsctl(["plan", "-f", "-"], { input: big });
  expect(planned.stdout).toContain("pod/big   1      <none>   0/3 nodes:");
  expect(planned.exitCode).toBe(1);
  await applyText(testbed, big);
  const why = await testbed.tsctl(["why", "big"]);
  expect(why).toMatch(/^host1 +node-selector +without label disk=ssd$/m);
  expect(why).toMatch(/^host3 +readiness +cordoned$/m);
  expect(why).toContain("label disk=ssd on the node, or not demanded: host1, host2\n");
  await testbed.tsctl(["uncordon", "host3"]);
  await testbed.tsctl(["label", "node", "host3", "disk=ssd"]);
  await testbed.tsctl(["wait", "pod/big", "--for=condition=Ready", "--timeout=60s"]);
  expect((await pod(testbed, "big"))?.spec.nodeName).toBe("host3");
});

test("a rebalance says what would be better off elsewhere, moves no more than a budget allows, and jobs never", async () => {
  await testbed.tsctl(["cordon", "host3"]);
  await applyText(testbed, `${web(5).replace("replicas: 3", "replicas: 6")}${sleepers("work")}`);
  await waitReady(testbed, "app=web", 6);
  await waitReady(testbed, "job-name=work", 4);
  const before = await pods(testbed);
  await testbed.tsctl(["uncordon", "host3"]);
  const tried = (): Promise<string> => testbed.tsctl(["rebalance", "--dry-run"]);
  // What the budget allows is counted a moment after the pods are ready.
  await expect
    .poll(tried)
    .toMatch(/1 of 6 movable pods would be better off elsewhere, \d more if budgets allowed it; nothing was moved\n$/);
  expect(await tried()).toMatch(/^default +web-\S+ +host\d +host3 +\d of its replicas are on host\d, \d on host3$/m);
  const uids = (list: typeof before): readonly string[] => list.map(({ metadata }) => metadata.uid);
  expect(uids(await pods(testbed))).toEqual(uids(before));
  const evicted: number[] = [];
  await waitFor("nothing to be left to move", async () => {
    await waitReady(testbed, "app=web", 6);
    const told = await testbed.tsctl(["rebalance"]);
    evicted.push((told.match(/ evicted$/gm) ?? []).length);
    return told.startsWith("0 of 6 movable pods");
  });
  expect(Math.max(...evicted)).toBeLessThan(2);
  const after = await pods(testbed);
  for (const host of ["host1", "host2", "host3"])
    expect(
      after.filter(({ metadata, spec }) => metadata.name.startsWith("web-") && spec.nodeName === host),
    ).toHaveLength(2);
  const works = (list: typeof before) => list.filter(({ metadata }) => metadata.name.startsWith("work-"));
  expect(uids(works(after))).toEqual(uids(works(before)));
  await testbed.tsctl(["delete", "job", "work"]);
});

test("a namespace that asks for it is rebalanced by the cluster itself, within its budgets, and jobs never", async () => {
  const replicas = (name: string, more = ""): string =>
    `---\napiVersion: apps/v1\nkind: Deployment\nmetadata: { name: ${name} }\nspec:\n  replicas: 6\n  selector: { matchLabels: { app: ${name} } }\n  template:\n    metadata: { labels: { app: ${name} } }\n    spec: { terminationGracePeriodSeconds: 1, containers: [{ name: main, image: "tallship/hello:1" }] }\n${more}`;
  const budget =
    "---\napiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: { name: kept }\nspec: { minAvailable: 6, selector: { matchLabels: { app: kept } } }\n";
  await testbed.tsctl(["cordon", "host3"]);
  await applyText(testbed, `${replicas("free")}${replicas("kept", budget)}${sleepers("later")}`);
  for (const name of ["free", "kept"]) await waitReady(testbed, `app=${name}`, 6);
  const free = await pods(testbed, "app=free");
  const others = async () => [...(await pods(testbed, "app=kept")), ...(await waitReady(testbed, "job-name=later", 4))];
  const before = await others();
  await testbed.tsctl(["uncordon", "host3"]);
  await testbed.tsctl(["annotate", "namespace", "default", "tallship.dev/rebalance=on"]);
  await waitFor(
    "the cluster to move pods to host3",
    async () => (await pods(testbed, "app=free")).filter(({ spec }) => spec.nodeName === "host3").length === 2,
    { deadlineMs: 120_000, everyMs: 1_000 },
  );
  const after = await waitReady(testbed, "app=free", 6);
  await testbed.tsctl(["annotate", "namespace", "default", "tallship.dev/rebalance-"]);
  const stayed = after.filter(({ metadata }) => free.some((pod) => pod.metadata.uid === metadata.uid));
  expect(stayed).toHaveLength(4);
  const uids = (list: typeof before): readonly string[] => list.map(({ metadata }) => metadata.uid).sort();
  expect(uids(await others())).toEqual(uids(before));
  const told = (): Promise<string> => testbed.tsctl(["get", "events"]);
  await expect
    .poll(async () => (await told()).match(/Rebalanced +pod\/free-\S+ +Moved away from node host\d: /g))
    .toHaveLength(2);
  expect(await told()).not.toMatch(/Rebalanced +pod\/(kept|later)-/);
  await testbed.tsctl(["delete", "job", "later"]);
  await testbed.tsctl(["delete", "deploy", "free", "kept"]);
});

test("what pods use is measured while somebody looks", async () => {
  await expect.poll(() => testbed.tsctl(["top", "pods"])).toMatch(/^web-\S+ +\d+m +\d+Mi +0m +0Mi +host\d$/m);
  await expect.poll(() => testbed.tsctl(["top", "nodes"])).toMatch(/^host1 +\d+m +\d+% +\d+Mi +\d+% /m);
});
