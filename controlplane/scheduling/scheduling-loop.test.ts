import fc from "fast-check";
import { expect, test } from "vitest";
import { metaOf } from "../../kinds/object.js";
import { conditionOf, isPodFinished } from "../../kinds/pod-state.js";
import { TallshipError } from "../../lib/errors.js";
import { limit } from "../../lib/limits.js";
import { Namespace } from "../../proto/gen/tallship/v1/namespace.js";
import { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { podRequests } from "../../scheduler/pod-requests.js";
import type { ControlWorld } from "../../test/kit/control-world.js";
import { type NodeParts, nodeOf, type PodParts, podOf } from "../../test/kit/schedule-world.js";
import { worldOfTest } from "../../test/kit/world-of-test.js";
import { ofKind } from "../cache/of-kind.js";
import { SchedulingLoop } from "./scheduling-loop.js";

async function newWorld(nodes: readonly NodeParts[] = []): Promise<ControlWorld> {
  const world = await worldOfTest();
  for (const parts of nodes) await world.put({ kind: "Node", object: nodeOf(parts) });
  new SchedulingLoop(world.deps, world.stop.signal).start();
  await world.clock.advance(0);
  return world;
}

function named(name: string, parts: PodParts = {}): Pod {
  const pod = podOf(parts);
  const metadata = { ...metaOf(pod), name, namespace: "default", uid: parts.uid ?? `uid-${name}` };
  return Pod.fromPartial({ ...pod, metadata, status: { phase: "Pending" } });
}

const putPod = (world: ControlWorld, name: string, parts: PodParts = {}): Promise<void> =>
  world.put({ kind: "Pod", object: named(name, parts) });
const podIn = (world: ControlWorld, name: string): Pod | undefined => world.view.get("Pod", "default", name);
const nodeFor = (world: ControlWorld, name: string): string => podIn(world, name)?.spec?.nodeName ?? "";
const scheduled = (world: ControlWorld, name: string) =>
  conditionOf(podIn(world, name)?.status?.conditions, "PodScheduled");

test("a pod is bound in the very turn in which it came, and says so", async () => {
  const world = await newWorld([{ name: "node-a" }]);
  await putPod(world, "web");
  expect(nodeFor(world, "web")).toBe("node-a");
  expect(scheduled(world, "web")).toMatchObject({ status: "True" });
  expect(world.clock.monotonicMs()).toBe(0);
  expect(world.notices.map(({ reason }) => reason)).toEqual(["Scheduled"]);
});

test("pods that were there before the start are spread over the nodes, as many to a transaction as it holds", async () => {
  const world = await worldOfTest();
  for (const name of ["a", "b", "c"]) await world.put({ kind: "Node", object: nodeOf({ name }) });
  for (let at = 0; at < 240; at += 1) await putPod(world, `web-${String(at).padStart(3, "0")}`, { owner: "web" });
  const sizes: number[] = [];
  world.gate.before = ({ writes }) => {
    sizes.push(writes.length);
    return undefined;
  };
  new SchedulingLoop(world.deps, world.stop.signal).start();
  await world.converge();
  expect(["a", "b", "c"].map((name) => world.view.podsOnNode(name).length)).toEqual([80, 80, 80]);
  expect(Math.max(...sizes)).toBeGreaterThanOrEqual(limit("transactionObjects"));
  expect(Math.max(...sizes)).toBeLessThanOrEqual(limit("transactionOperations"));
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(240);
});

test("a pod that fits nowhere says why, is bound once a node has room, and until then is not written again", async () => {
  const world = await newWorld([{ name: "node-a", allocatable: { cpu: "1", memory: "1Gi" } }]);
  await putPod(world, "first", { requests: { cpu: "800m" } });
  await putPod(world, "second", { requests: { cpu: "500m" } });
  await world.converge();
  expect(scheduled(world, "second")).toMatchObject({
    status: "False",
    reason: "Unschedulable",
    message: "0/1 nodes: 1 insufficient cpu (short by 300m at best)",
  });
  expect(world.notices.map(({ reason }) => reason)).toEqual(["Scheduled", "FailedScheduling"]);
  const { revision } = world.view;
  await world.clock.advance(600_000);
  expect(world.view.revision).toBe(revision);
  await world.drop({ kind: "Pod", namespace: "default", name: "first" });
  expect(nodeFor(world, "second")).toBe("node-a");
  expect(scheduled(world, "second")).toMatchObject({ status: "True" });
});

// Each row is one thing that can help a pod of 500m on a cordoned, full, or missing node.
const helps: readonly { name: string; before: NodeParts; after: NodeParts }[] = [
  { name: "a node that was uncordoned", before: { unschedulable: true }, after: {} },
  { name: "a node that became ready", before: { ready: "Unknown" }, after: {} },
  { name: "a node that grew", before: { allocatable: { cpu: "100m", memory: "1Gi" } }, after: {} },
  { name: "a taint that was taken away", before: { taints: [{ key: "gpu", effect: "NoSchedule" }] }, after: {} },
  { name: "a label that was given", before: {}, after: { labels: { disk: "ssd" } } },
];

for (const { name, before, after } of helps) {
  test(`a refused pod is tried again because of ${name}`, async () => {
    const world = await newWorld([{ name: "node-a", ...before }]);
    await putPod(world, "web", { requests: { cpu: "500m" }, nodeSelector: after.labels ?? {} });
    await world.converge();
    expect(nodeFor(world, "web")).toBe("");
    await world.put({ kind: "Node", object: nodeOf({ name: "node-a", ...after }) });
    expect(nodeFor(world, "web")).toBe("node-a");
  });
}

test("reasons that changed are told anew, but not more often than the limit", async () => {
  const world = await newWorld([{ name: "node-a", unschedulable: true }]);
  await putPod(world, "web");
  await world.converge();
  expect(scheduled(world, "web")?.message).toBe("0/1 nodes: 1 cordoned");
  let writes = 0;
  world.gate.before = () => {
    writes += 1;
    return undefined;
  };
  for (let at = 0; at < 30; at += 1) {
    await world.put({
      kind: "Node",
      object: nodeOf({ name: "node-b", taints: [{ key: `taint-${at}`, effect: "NoSchedule" }] }),
    });
    await world.clock.advance(1_000);
  }
  expect(writes).toBeLessThanOrEqual(3);
  await world.clock.advance(2 * limit("refusalRefreshMs"));
  expect(scheduled(world, "web")?.message).toBe("0/2 nodes: 1 cordoned, 1 tainted taint-29");
});

test("who loses a write is tried again on what stands there; the others of the batch are bound", async () => {
  const world = await newWorld();
  for (const name of ["a", "b", "c"]) await putPod(world, name);
  let isFirst = true;
  world.gate.before = (transaction) => {
    const lost = transaction.checks.find(({ key }) => key.endsWith("/b"));
    if (!isFirst || lost === undefined || transaction.writes.length < 3) return undefined;
    isFirst = false;
    return { is: "conflict", conflicts: [lost] };
  };
  await world.put({ kind: "Node", object: nodeOf({ name: "node-a" }) });
  await world.converge();
  expect(["a", "b", "c"].map((name) => nodeFor(world, name))).toEqual(["node-a", "node-a", "node-a"]);
  expect(await world.metrics.schedulerBindsTotal.get()).toMatchObject({
    values: expect.arrayContaining([
      { labels: { result: "conflict" }, value: 1 },
      { labels: { result: "bound" }, value: 3 },
    ]),
  });
});

test("a write that failed but happened is found out; its room is not given to another pod meanwhile", async () => {
  const world = await newWorld([{ name: "node-a", allocatable: { cpu: "1", memory: "4Gi" } }]);
  let failures = 2;
  world.gate.before = (transaction) => {
    failures -= 1;
    if (failures < 0) return undefined;
    if (failures === 1) void world.store.transact(transaction);
    throw new TallshipError("deadline_exceeded", "transact: no answer in time");
  };
  await putPod(world, "first", { requests: { cpu: "600m" } });
  await putPod(world, "second", { requests: { cpu: "600m" } });
  await world.converge(1_000);
  expect([nodeFor(world, "first"), nodeFor(world, "second")]).toEqual(["node-a", ""]);
});

test("pods of another scheduler, finished and deleted ones are left alone", async () => {
  const world = await newWorld([{ name: "node-a" }]);
  const own = named("own");
  await world.put({ kind: "Pod", object: { ...own, spec: own.spec && { ...own.spec, schedulerName: "custom" } } });
  await world.put({
    kind: "Pod",
    object: { ...named("done"), status: Pod.fromPartial({ status: { phase: "Failed" } }).status },
  });
  const going = named("going");
  await world.put({
    kind: "Pod",
    object: { ...going, metadata: { ...metaOf(going), deletionTimestamp: "2030-01-01T00:00:00Z" } },
  });
  await world.converge();
  expect(["own", "done", "going"].map((name) => nodeFor(world, name))).toEqual(["", "", ""]);
});

test("a deposed leader binds nothing and says so", async () => {
  const world = await newWorld([{ name: "node-a" }]);
  await world.store.transact({ checks: [], writes: [{ op: "delete", key: world.guard.key }] });
  await putPod(world, "web");
  await world.converge();
  expect(nodeFor(world, "web")).toBe("");
  expect(world.depositions()).toBeGreaterThan(0);
});

const sizes = ["100m", "400m", "900m", "3"];
const edit = fc.oneof(
  fc.record({ do: fc.constant("pod" as const), at: fc.nat({ max: 9 }), cpu: fc.constantFrom(...sizes) }),
  fc.record({ do: fc.constant("drop" as const), at: fc.nat({ max: 9 }) }),
  fc.record({ do: fc.constant("finish" as const), at: fc.nat({ max: 9 }) }),
  fc.record({ do: fc.constant("touch" as const), at: fc.nat({ max: 9 }) }),
  fc.record({
    do: fc.constant("node" as const),
    at: fc.nat({ max: 2 }),
    cpu: fc.constantFrom("1", "2"),
    cordoned: fc.boolean(),
  }),
  fc.record({ do: fc.constant("trouble" as const), kind: fc.constantFrom("lost", "failed", "conflict", "none") }),
  fc.record({ do: fc.constant("wait" as const), ms: fc.constantFrom(1, 60, 2_000) }),
);

function trouble(world: ControlWorld, kind: string): void {
  world.gate.before = (transaction) => {
    if (kind === "none") return undefined;
    world.gate.before = () => undefined;
    if (kind === "conflict") return { is: "conflict", conflicts: transaction.checks.slice(0, 1) };
    if (kind === "lost") void world.store.transact(transaction);
    throw new TallshipError("store_unavailable", "transact: etcd does not answer");
  };
}

test("whatever happens: no node is over its resources, a bound pod stays where it is, and what fits is bound in the end", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(edit, { maxLength: 25 }), async (edits) => {
      const world = await newWorld([{ name: "node-0", allocatable: { cpu: "2", memory: "8Gi" } }]);
      const broken: string[] = [];
      world.cache.subscribe(({ changes }) => {
        for (const { before, after } of changes) {
          const [was, is] = [ofKind(before, "Pod")?.object, ofKind(after, "Pod")?.object];
          const isSame = was?.metadata?.uid === is?.metadata?.uid;
          if (isSame && was?.spec?.nodeName && was.spec.nodeName !== is?.spec?.nodeName)
            broken.push(`${is?.metadata?.name} moved`);
          if (is === undefined || !is.spec?.nodeName || was?.spec?.nodeName) continue;
          const used = world.view.podsOnNode(is.spec.nodeName).filter(({ object }) => !isPodFinished(object));
          const cpu = used.reduce((sum, { object }) => sum + (podRequests(object).get("cpu") ?? 0), 0);
          const node = world.view.get("Node", "", is.spec.nodeName);
          if (cpu > 1_000 * Number(node?.status?.allocatable["cpu"] ?? 0))
            broken.push(`${is.spec.nodeName} has ${cpu}m`);
        }
      });
      let uids = 0;
      for (const each of edits) {
        const name = "at" in each ? `pod-${each.at}` : "";
        const live = podIn(world, name);
        if (each.do === "pod" && live === undefined) {
          uids += 1;
          await putPod(world, name, { uid: `uid-${uids}`, requests: { cpu: each.cpu }, owner: "web" });
        } else if (each.do === "drop" && live !== undefined)
          await world.drop({ kind: "Pod", namespace: "default", name });
        else if (each.do === "finish" && live !== undefined)
          await world.put({
            kind: "Pod",
            object: Pod.fromPartial({ ...live, status: { ...live.status, phase: "Succeeded" } }),
          });
        else if (each.do === "touch" && live !== undefined)
          await world.put({
            kind: "Pod",
            object: { ...live, metadata: { ...metaOf(live), annotations: { touched: `${world.view.revision}` } } },
          });
        else if (each.do === "node") {
          const bigger = { cpu: each.at === 0 ? "2" : each.cpu, memory: "8Gi" };
          if (world.view.get("Node", "", `node-${each.at}`)?.status?.allocatable["cpu"] !== "2")
            await world.put({
              kind: "Node",
              object: nodeOf({ name: `node-${each.at}`, allocatable: bigger, unschedulable: each.cordoned }),
            });
        } else if (each.do === "trouble") trouble(world, each.kind);
        else if (each.do === "wait") await world.clock.advance(each.ms);
      }
      world.gate.before = () => undefined;
      await world.clock.advance(120_000);
      await world.converge();
      expect(broken).toEqual([]);
      for (const { object } of world.view.podsOnNode("").filter(({ object: pod }) => !isPodFinished(pod))) {
        expect(conditionOf(object.status?.conditions, "PodScheduled")?.status).toBe("False");
        const wanted = podRequests(object).get("cpu") ?? 0;
        for (const { object: node } of world.view
          .list("Node")
          .filter((each) => each.object.spec?.unschedulable !== true)) {
          const used = world.view.podsOnNode(metaOf(node).name).filter((each) => !isPodFinished(each.object));
          const cpu = used.reduce((sum, each) => sum + (podRequests(each.object).get("cpu") ?? 0), 0);
          expect(cpu + wanted).toBeGreaterThan(1_000 * Number(node.status?.allocatable["cpu"]));
        }
      }
      const { revision } = world.view;
      await world.clock.advance(600_000);
      expect(world.view.revision).toBe(revision);
      world.stop.abort();
    }),
    { seed: 17, numRuns: 120 },
  );
});

const onHost = (name: string): NodeParts => ({ name, labels: { "kubernetes.io/hostname": name } });

test("a pod keeps away from one that was bound before anybody asked for its label", async () => {
  const world = await newWorld([onHost("node-a")]);
  await putPod(world, "db", { labels: { app: "db" } });
  await putPod(world, "lone", { labels: { app: "lone" }, apartFrom: "db" });
  expect(nodeFor(world, "lone")).toBe("");
  expect(scheduled(world, "lone")?.message).toContain("1 too close to pods it keeps away from");
  await world.put({ kind: "Node", object: nodeOf(onHost("node-b")) });
  await world.converge();
  expect([nodeFor(world, "db"), nodeFor(world, "lone")]).toEqual(["node-a", "node-b"]);
});

test("a pod that wants to be near another waits for it, and follows it", async () => {
  const world = await newWorld([onHost("node-a"), onHost("node-b")]);
  await putPod(world, "guest", { near: "db" });
  expect(scheduled(world, "guest")?.message).toContain("2 no pod it wants to be near");
  await putPod(world, "db", { labels: { app: "db" } });
  await world.converge();
  expect(nodeFor(world, "guest")).toBe(nodeFor(world, "db"));
});

test("a pod with gates waits, untried, until the last of them is taken away", async () => {
  const world = await newWorld([{ name: "node-a" }]);
  const pod = named("gated");
  const gated = (names: readonly string[]): Pod => ({
    ...pod,
    spec: pod.spec && { ...pod.spec, schedulingGates: names.map((name) => ({ name })) },
  });
  await world.put({ kind: "Pod", object: gated(["quota", "data"]) });
  await world.put({ kind: "Pod", object: gated(["data"]) });
  await world.converge();
  expect([nodeFor(world, "gated"), world.notices]).toEqual(["", []]);
  await world.put({ kind: "Pod", object: gated([]) });
  expect(nodeFor(world, "gated")).toBe("node-a");
});

test("a namespace that gets a label counts at once where a term asks for it", async () => {
  const world = await newWorld([onHost("node-a")]);
  const namespace = (team: string) =>
    world.put({
      kind: "Namespace",
      object: Namespace.fromPartial({ metadata: { name: "default", labels: { team } } }),
    });
  await namespace("data");
  await putPod(world, "db", { labels: { app: "db" } });
  const shy = podOf({ apartFrom: "db" });
  const terms = shy.spec?.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
  const namespaceSelector = { matchLabels: { team: "data" }, matchExpressions: [] };
  const required = terms.map((term) => ({ ...term, namespaceSelector }));
  const podAntiAffinity = { requiredDuringSchedulingIgnoredDuringExecution: required };
  const object = named("shy", {});
  await world.put({
    kind: "Pod",
    object: Pod.fromPartial({ ...object, spec: { ...object.spec, affinity: { podAntiAffinity } } }),
  });
  await world.converge();
  expect(nodeFor(world, "shy")).toBe("");
  await namespace("web");
  await world.converge();
  expect(nodeFor(world, "shy")).toBe("node-a");
});
