import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { openTsctlBench, type TsctlBench } from "../../test/kit/tsctl-bench.js";
import { objectOf, succeed, until, writeStatus } from "../../test/kit/tsctl-steps.js";
import { drainPlan } from "./drain-plan.js";

let bench: TsctlBench;
afterEach(() => bench.close());

const owned = (kind: string): string =>
  `, ownerReferences: [{apiVersion: apps/v1, kind: ${kind}, name: o, uid: u-${kind}, controller: true}]`;
const pod = (name: string, { more = owned("ReplicaSet"), spec = "", host = "host1" } = {}): string =>
  `{apiVersion: v1, kind: Pod, metadata: {name: ${name}, namespace: default, labels: {app: ${name}}${more}}, spec: {nodeName: ${host}, containers: [{name: main, image: i}]${spec}}}`;

const budget = (app: string): string =>
  `{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: ${app}, namespace: default}, spec: {minAvailable: 1, selector: {matchLabels: {app: ${app}}}}}`;

const allows = (app: string, allowed: number): Promise<void> =>
  writeStatus(
    bench,
    `{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: ${app}, namespace: default}, status: {observedGeneration: 1, desiredHealthy: 1, currentHealthy: 1, expectedPods: 1, disruptionsAllowed: ${allowed}}}`,
  );

/** What the agent does at last. */
const stop = (name: string) => bench.run(["delete", "pod", name, "--grace-period=0", "--force", "--wait=false"]);

describe("drain", () => {
  beforeEach(async () => {
    bench = await openTsctlBench();
    for (const host of ["host1", "host2"])
      await bench.api.create(objectOf(`{apiVersion: v1, kind: Node, metadata: {name: ${host}}}`));
  });

  test("cordons, evicts, tells each pod as it goes, and leaves other nodes alone", async () => {
    await bench.api.create(objectOf(pod("a")));
    await bench.api.create(objectOf(pod("b", { host: "host2" })));
    const running = bench.start(["drain", "host1"]);
    await until(running, "evicting pod default/a\n");
    await stop("a");
    expect(await running.ended).toEqual({
      code: 0,
      err: "",
      out: "node/host1 cordoned\nevicting pod default/a\npod/a evicted\nnode/host1 drained\n",
    });
    expect(await succeed(bench, "get pods -o name")).toBe("pod/b\n");
    expect(await succeed(bench, "drain host1")).toBe("node/host1 already cordoned\nnode/host1 drained\n");
  });

  test("a budget holds a pod back until it allows it, and what blocks is told once", async () => {
    await bench.api.create(objectOf(budget("a")));
    await allows("a", 0);
    await bench.api.create(objectOf(pod("a")));
    await writeStatus(bench, RUNNING("a"));
    const running = bench.start(["drain", "host1"]);
    await until(running, "cannot go yet");
    await bench.api.clock.advance(5_100);
    await allows("a", 1);
    await bench.api.clock.advance(5_100);
    await until(running, "evicting pod default/a\n");
    await stop("a");
    const { code, out, err } = await running.ended;
    expect(out).toBe("node/host1 cordoned\nevicting pod default/a\npod/a evicted\nnode/host1 drained\n");
    expect(err).toBe(
      "pod default/a cannot go yet: Cannot evict pod as it would violate the pod's disruption budget. The disruption budget a needs 1 healthy pods and has 1 currently\n",
    );
    expect(code).toBe(0);
  });

  test("past its time it names what is left, and why; the budget is never broken", async () => {
    await bench.api.create(objectOf(budget("a")));
    await allows("a", 0);
    for (const name of ["a", "b"]) {
      await bench.api.create(objectOf(pod(name)));
      await writeStatus(bench, RUNNING(name));
    }
    const running = bench.start(["drain", "host1", "--timeout=12s"]);
    await until(running, "cannot go yet");
    for (const ms of [5_100, 5_100, 5_100]) await bench.api.clock.advance(ms);
    const { code, err } = await running.ended;
    expect(code).toBe(8);
    expect(err).toContain(
      'error: node "host1" is not drained after 12 s, 2 pods are left:\n  default/a: Cannot evict pod',
    );
    expect(err).toContain("\n  default/b: has not stopped yet on node host1\n");
    const standing = JSON.parse(await succeed(bench, "get pod a -o json"));
    expect(standing.metadata.deletionTimestamp).toBeUndefined();
  });

  test("--disable-eviction asks no budget", async () => {
    await bench.api.create(objectOf(budget("a")));
    await allows("a", 0);
    await bench.api.create(objectOf(pod("a")));
    await writeStatus(bench, RUNNING("a"));
    const running = bench.start(["drain", "host1", "--disable-eviction"]);
    await until(running, "evicting pod default/a\n");
    await stop("a");
    expect((await running.ended).code).toBe(0);
  });

  test("what would lose something forbids the whole drain, and each reason names its flag", async () => {
    await bench.api.create(objectOf(pod("a")));
    await bench.api.create(objectOf(pod("daemon", { more: owned("DaemonSet") })));
    await bench.api.create(objectOf(pod("lone", { more: "" })));
    await bench.api.create(objectOf(pod("local", { spec: ", volumes: [{name: tmp, emptyDir: {}}]" })));
    const { code, out, err } = await bench.run(["drain", "host1"]);
    expect(code).toBe(1);
    expect(out).toBe("node/host1 cordoned\n");
    expect(err).toBe(
      'error: node "host1" stays cordoned, but cannot be drained; on it are\n' +
        "  DaemonSet-managed pods (--ignore-daemonsets leaves them there): default/daemon\n" +
        "  pods without a controller, which nobody would replace (--force evicts them): default/lone\n" +
        "  pods with emptyDir volumes, whose content would be lost (--delete-emptydir-data evicts them): default/local\n",
    );
    const running = bench.start(["drain", "host1", "--ignore-daemonsets", "--force", "--delete-emptydir-data"]);
    await until(running, "evicting pod default/lone\n");
    for (const name of ["a", "lone", "local"]) await stop(name);
    const ended = await running.ended;
    expect(ended.err).toContain("warning: leaving DaemonSet-managed pods where they are: default/daemon\n");
    expect(ended.code).toBe(0);
    expect(await succeed(bench, "get pods -o name")).toBe("pod/daemon\n");
  });

  test("a dry run writes nothing; one on the server says what budgets would hold", async () => {
    await bench.api.create(objectOf(budget("a")));
    await allows("a", 0);
    await bench.api.create(objectOf(pod("a")));
    await writeStatus(bench, RUNNING("a"));
    expect(await succeed(bench, "drain host1 --dry-run")).toBe(
      "node/host1 cordoned (client dry run)\nevicting pod default/a (client dry run)\nnode/host1 drained (client dry run)\n",
    );
    expect((await bench.run(["drain", "host1", "--dry-run=server"])).err).toContain("pod default/a cannot go yet");
    expect(JSON.parse(await succeed(bench, "get node host1 -o json")).spec?.unschedulable).toBeUndefined();
  });
});

const RUNNING = (name: string): string =>
  `{apiVersion: v1, kind: Pod, metadata: {name: ${name}, namespace: default}, status: {phase: Running, conditions: [{type: Ready, status: "True"}]}}`;

const rules = { force: false, ignoreDaemonSets: false, deleteEmptyDirData: false, skipDeletedAfterMs: 60_000 };
const meta = { namespace: "default", name: "a" };
// A pod that has ended is evicted whatever it is: nothing is lost.
const rows = [
  { name: "a finished pod of nobody", pod: { metadata: meta, status: { phase: "Succeeded" } }, evicted: 1, refused: 0 },
  { name: "a running pod of nobody", pod: { metadata: meta, status: { phase: "Running" } }, evicted: 1, refused: 1 },
  {
    name: "a pod that has been going for an hour",
    pod: { metadata: { ...meta, deletionTimestamp: "2023-11-14T21:13:20Z" } },
    evicted: 0,
    refused: 0,
  },
  {
    name: "a pod that began to go just now",
    pod: { metadata: { ...meta, deletionTimestamp: "2023-11-14T22:13:50Z", deletionGracePeriodSeconds: 30 } },
    evicted: 1,
    refused: 1,
  },
];

test.each(rows)("drain plan: $name", (row) => {
  const plan = drainPlan([Pod.fromPartial(row.pod)], rules, Date.parse("2023-11-14T22:13:20Z"));
  expect([plan.evict.length, plan.refusals.length]).toEqual([row.evicted, row.refused]);
});
