import fc from "fast-check";
import { expect, test } from "vitest";
import { applyDefaults } from "../../../kinds/defaults/defaults.js";
import { metaOf } from "../../../kinds/object.js";
import { isDeleting, isPodReady } from "../../../kinds/pod-state.js";
import { STOPPED } from "../../../kinds/power.js";
import { rfc3339 } from "../../../lib/clock.js";
import { ConfigMap } from "../../../proto/gen/tallship/v1/configmap.js";
import { DaemonSet } from "../../../proto/gen/tallship/v1/daemonset.js";
import { Node } from "../../../proto/gen/tallship/v1/node.js";
import { Pod } from "../../../proto/gen/tallship/v1/pod.js";
import { pinnedNode } from "../../../scheduler/pinned-node.js";
import { type ControlWorld, contentDigest } from "../../../test/kit/control-world.js";
import { worldOfTest } from "../../../test/kit/world-of-test.js";
import { ownerCollector } from "../owner-collector.js";
import { podCollector } from "../pod-collector.js";
import { daemonSet } from "./daemon-set.js";

type Spec = NonNullable<NonNullable<Parameters<typeof DaemonSet.fromPartial>[0]>["spec"]>;

const readinessProbe = { exec: { command: ["true"] } };

function setOf(image: string, spec: Spec = {}): DaemonSet {
  const { template, ...rest } = spec;
  const object = DaemonSet.fromPartial({
    metadata: { name: "logs", namespace: "default", uid: "set-uid", generation: 1 },
    spec: {
      selector: { matchLabels: { app: "logs" } },
      template: {
        metadata: { labels: { app: "logs" } },
        spec: { containers: [{ name: "main", image, readinessProbe }], ...template?.spec },
      },
      ...rest,
    },
  });
  return applyDefaults<"DaemonSet">({ kind: "DaemonSet", object }).object;
}

type NodeParts = { readonly labels?: Record<string, string>; readonly taint?: { key: string; effect: string } };

class DaemonWorld {
  readonly control: ControlWorld;

  constructor(control: ControlWorld) {
    this.control = control;
    control.run([daemonSet(contentDigest), podCollector, ownerCollector()]);
  }

  async node(name: string, { labels = {}, taint }: NodeParts = {}): Promise<void> {
    const object = Node.fromPartial({ metadata: { name, uid: name, labels }, spec: { taints: taint ? [taint] : [] } });
    await this.control.put({ kind: "Node", object });
  }

  async apply(image: string, spec?: Spec): Promise<void> {
    const before = this.set();
    const object = setOf(image, spec);
    const metadata = { ...metaOf(object), generation: (before?.metadata?.generation ?? 0) + 1 };
    await this.control.put({ kind: "DaemonSet", object: { ...object, metadata, status: before?.status } });
    await this.control.converge();
  }

  set(): DaemonSet | undefined {
    return this.control.view.get("DaemonSet", "default", "logs");
  }

  pods(): readonly Pod[] {
    return this.control.view.list("Pod").map(({ object }) => object);
  }

  /** Node and image of each pod, by node. */
  table(): readonly string[] {
    return this.pods()
      .map(
        (pod) =>
          `${pinnedNode(pod)} ${pod.spec?.containers[0]?.image}${isPodReady(pod) ? "" : " -"}${isDeleting(pod) ? " x" : ""}`,
      )
      .sort();
  }

  /** Binds a pod and lets it be ready. */
  async serve(pod: Pod): Promise<void> {
    const lastTransitionTime = rfc3339(this.control.clock.nowMs());
    await this.control.edit("Pod", metaOf(pod).name, (live) => ({
      ...live,
      spec: live.spec && { ...live.spec, nodeName: pinnedNode(live) },
      status: Pod.fromPartial({
        status: { phase: "Running", conditions: [{ type: "Ready", status: "True", lastTransitionTime }] },
      }).status,
    }));
    await this.control.converge();
  }

  /** Everything that is pending serves, everything that is being deleted is gone. */
  async settle(): Promise<void> {
    for (const pod of this.pods().filter(isDeleting))
      await this.control.drop({ kind: "Pod", namespace: "default", name: metaOf(pod).name });
    await this.control.converge();
    for (const pod of this.pods().filter((each) => !isPodReady(each) && !isDeleting(each))) await this.serve(pod);
  }
}

async function opened(nodes: readonly string[] = ["a", "b", "c"]): Promise<DaemonWorld> {
  const world = new DaemonWorld(await worldOfTest());
  for (const name of nodes) await world.node(name);
  return world;
}

test("every node gets a pod that can run there alone, and that tolerates a node in trouble", async () => {
  const world = await opened();
  await world.apply("l:1");
  expect(world.table()).toEqual(["a l:1 -", "b l:1 -", "c l:1 -"]);
  const [pod] = world.pods();
  expect(pod?.spec?.nodeName).toBe("");
  expect(pod?.spec?.tolerations.map(({ key }) => key)).toContain("node.kubernetes.io/unschedulable");
  expect(metaOf(pod ?? {}).labels["controller-revision-hash"]).toMatch(/^logs-/);
  expect(world.set()?.status).toMatchObject({ desiredNumberScheduled: 3, currentNumberScheduled: 3, numberReady: 0 });
  await world.settle();
  expect(world.set()?.status).toMatchObject({ numberReady: 3, numberAvailable: 3, updatedNumberScheduled: 3 });
});

test("only nodes that fit: by label, by affinity, by taints", async () => {
  const world = await opened([]);
  await world.node("plain");
  await world.node("ssd", { labels: { disk: "ssd" } });
  await world.node("old", { labels: { disk: "ssd", age: "old" } });
  await world.node("own", { labels: { disk: "ssd" }, taint: { key: "team", effect: "NoSchedule" } });
  await world.node("lost", {
    labels: { disk: "ssd" },
    taint: { key: "node.kubernetes.io/unreachable", effect: "NoExecute" },
  });
  const young = { key: "age", operator: "DoesNotExist" };
  const required = { nodeSelectorTerms: [{ matchExpressions: [young] }] };
  const affinity = { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: required } };
  await world.apply("l:1", { template: { spec: { nodeSelector: { disk: "ssd" }, affinity } } });
  expect(world.table()).toEqual(["lost l:1 -", "ssd l:1 -"]);
  await world.node("ssd");
  await world.node("plain", { labels: { disk: "ssd" } });
  await world.control.converge();
  expect(world.table()).toEqual(["lost l:1 -", "plain l:1 -"]);
});

test("a pod that its user has stopped keeps its place, and one that comes while the set is stopped waits for the start", async () => {
  const world = new DaemonWorld(await worldOfTest());
  await world.node("a");
  await world.apply("logs:1");
  const [first] = world.pods();
  const name = metaOf(first ?? {}).name;
  await world.control.edit("DaemonSet", "logs", (live) =>
    DaemonSet.fromPartial({ ...live, metadata: { ...metaOf(live), annotations: { [STOPPED]: "" } } }),
  );
  await world.control.edit("Pod", name, (live) =>
    Pod.fromPartial({
      ...live,
      metadata: { ...metaOf(live), annotations: { [STOPPED]: "" } },
      status: { ...live.status, phase: "Failed" },
    }),
  );
  await world.control.clock.advance(600_000);
  expect(world.pods().map((pod) => metaOf(pod).name)).toEqual([name]);
  await world.node("b");
  await world.control.converge();
  const [second] = world.pods().filter((pod) => pinnedNode(pod) === "b");
  expect(second?.metadata?.annotations[STOPPED]).toBe("");
});

test("a node that comes gets its pod, the pod of one that is deleted goes", async () => {
  const world = await opened(["a"]);
  await world.apply("l:1");
  await world.settle();
  await world.node("b");
  await world.control.converge();
  expect(world.table()).toEqual(["a l:1", "b l:1 -"]);
  await world.control.drop({ kind: "Node", namespace: "", name: "a" });
  await world.control.drop({ kind: "Node", namespace: "", name: "b" });
  await world.control.converge();
  expect(world.table()).toEqual([]);
});

test("a roll-out goes on to the next node only once a pod that no probe asks has run a while, since it may end at once", async () => {
  const world = await opened();
  const unasked = (image: string): Spec => ({ template: { spec: { containers: [{ name: "main", image }] } } });
  await world.apply("", unasked("l:1"));
  await world.settle();
  await world.apply("", unasked("l:2"));
  for (let turn = 0; turn < 3; turn += 1) await world.settle();
  // What the status counts is as in Kubernetes.
  expect([world.table(), world.set()?.status?.numberAvailable]).toEqual([["a l:2", "b l:1", "c l:1"], 3]);
  await world.control.clock.advance(3_000);
  expect(world.table()).toEqual(["a l:2", "b l:1 x", "c l:1"]);
  await world.settle();
  await world.control.clock.advance(3_000);
  await world.settle();
  expect(world.table()).toEqual(["a l:2", "b l:2", "c l:2"]);
});

test("a changed template is rolled node by node, and its revision is kept; back again it is the old revision", async () => {
  const world = await opened();
  await world.apply("l:1");
  await world.settle();
  await world.apply("l:2");
  expect(world.table()).toEqual(["a l:1 x", "b l:1", "c l:1"].map((row) => row));
  await world.settle();
  await world.control.converge();
  expect(world.table()).toContain("a l:2");
  for (let turn = 0; turn < 4; turn += 1) await world.settle();
  expect(world.table()).toEqual(["a l:2", "b l:2", "c l:2"]);
  const revisions = () =>
    world.control.view
      .list("ControllerRevision")
      .map(({ object }) => object.revision)
      .sort();
  expect(revisions()).toEqual([1, 2]);
  await world.apply("l:1");
  for (let turn = 0; turn < 6; turn += 1) await world.settle();
  expect(world.table()).toEqual(["a l:1", "b l:1", "c l:1"]);
  expect(revisions()).toEqual([2, 3]);
  expect(world.set()?.status).toMatchObject({ updatedNumberScheduled: 3, numberAvailable: 3, observedGeneration: 3 });
});

test("no more revisions are kept than asked for", async () => {
  const world = await opened(["a"]);
  for (const image of ["l:1", "l:2", "l:3", "l:4"]) {
    await world.apply(image, { revisionHistoryLimit: 1 });
    for (let turn = 0; turn < 3; turn += 1) await world.settle();
  }
  expect(
    world.control.view
      .list("ControllerRevision")
      .map(({ object }) => object.revision)
      .sort(),
  ).toEqual([3, 4]);
});

test("a changed config that pods take their environment from is rolled, and its old content leads back to the old revision", async () => {
  const world = await opened(["a", "b"]);
  const config = (level: string) =>
    world.control.put({
      kind: "ConfigMap",
      object: ConfigMap.fromPartial({ metadata: { name: "conf", namespace: "default", uid: "c" }, data: { level } }),
    });
  await config("info");
  const envFrom = [{ configMapRef: { name: "conf" } }];
  const spec = { containers: [{ name: "main", image: "l:1", readinessProbe, envFrom }] };
  await world.apply("l:1", { template: { spec } });
  await world.settle();
  const sources = () => world.pods().map((pod) => pod.spec?.containers[0]?.envFrom[0]?.configMapRef?.name);
  const [first] = sources();
  expect(first).toMatch(/^conf-[0-9a-f]{16}$/);
  await config("debug");
  for (let turn = 0; turn < 5; turn += 1) await world.settle();
  const [second] = sources();
  expect(sources()).toEqual([second, second]);
  expect(second).not.toBe(first);
  expect(world.control.view.get("ConfigMap", "default", second ?? "")?.data).toEqual({ level: "debug" });
  await config("info");
  for (let turn = 0; turn < 5; turn += 1) await world.settle();
  expect(sources()).toEqual([first, first]);
  expect(world.control.view.list("ControllerRevision").map(({ object }) => object.revision)).toHaveLength(2);
});

test("a failed pod is told and made anew", async () => {
  const world = await opened(["a"]);
  await world.apply("l:1");
  const [first] = world.pods();
  await world.control.edit("Pod", metaOf(first ?? {}).name, (pod) => ({
    ...pod,
    status: Pod.fromPartial({ status: { phase: "Failed" } }).status,
  }));
  await world.control.clock.advance(8_000);
  expect(world.pods().map((pod) => metaOf(pod).name)).toEqual([metaOf(first ?? {}).name]);
  await world.control.clock.advance(4_000);
  await world.control.converge();
  expect(world.pods().map((pod) => pod.status?.phase)).toEqual(["Pending"]);
  expect(world.control.notices.map(({ reason }) => reason)).toContain("FailedDaemonPod");
});

const edit = fc.oneof(
  fc.record({
    do: fc.constant("apply" as const),
    image: fc.constantFrom("l:1", "l:2", "l:3"),
    surge: fc.nat({ max: 2 }),
  }),
  fc.record({ do: fc.constant("node" as const), name: fc.constantFrom("a", "b", "c", "d"), isTainted: fc.boolean() }),
  fc.record({ do: fc.constant("drop" as const), name: fc.constantFrom("a", "b", "c", "d") }),
  fc.record({ do: fc.constant("settle" as const) }),
  fc.record({ do: fc.constant("wait" as const), ms: fc.constantFrom(5, 50, 11_000) }),
);

test("any sequence of edits ends with one current pod on each node that is wanted, and then nothing is written", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(edit, { maxLength: 14 }), async (edits) => {
      const world = await opened(["a", "b"]);
      await world.apply("l:1");
      let last = "l:1";
      for (const each of edits) {
        if (each.do === "apply") {
          last = each.image;
          const rollingUpdate = {
            maxSurge: { value: { $case: "intVal" as const, value: each.surge } },
            maxUnavailable: { value: { $case: "intVal" as const, value: each.surge === 0 ? 1 : 0 } },
          };
          await world.apply(each.image, { updateStrategy: { type: "RollingUpdate", rollingUpdate } });
        } else if (each.do === "node")
          await world.node(each.name, each.isTainted ? { taint: { key: "x", effect: "NoExecute" } } : {});
        else if (each.do === "drop" && world.control.view.get("Node", "", each.name) !== undefined)
          await world.control.drop({ kind: "Node", namespace: "", name: each.name });
        else if (each.do === "settle") await world.settle();
        else if (each.do === "wait") await world.control.clock.advance(each.ms);
        const counts = new Map<string, number>();
        for (const pod of world.pods().filter((one) => !isDeleting(one)))
          counts.set(pinnedNode(pod), (counts.get(pinnedNode(pod)) ?? 0) + 1);
        expect(Math.max(0, ...counts.values())).toBeLessThanOrEqual(2);
      }
      for (let turn = 0; turn < 12; turn += 1) await world.settle();
      const wanted = world.control.view
        .list("Node")
        .filter(({ object }) => (object.spec?.taints.length ?? 0) === 0)
        .map(({ object }) => `${metaOf(object).name} ${last}`);
      expect(world.table()).toEqual(wanted);
      expect(world.set()?.status?.numberAvailable).toBe(wanted.length);
      const { revision } = world.control.view;
      await world.control.clock.advance(60_000);
      expect(world.control.view.revision).toBe(revision);
      world.control.stop.abort();
    }),
    { seed: 7, numRuns: 50 },
  );
});
