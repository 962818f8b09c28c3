import fc from "fast-check";
import { expect, test } from "vitest";
import { metaOf } from "../../../kinds/object.js";
import type { Endpoint } from "../../../proto/gen/tallship/v1/endpointslice.js";
import { EndpointSlice } from "../../../proto/gen/tallship/v1/endpointslice.js";
import { Node } from "../../../proto/gen/tallship/v1/node.js";
import { Pod } from "../../../proto/gen/tallship/v1/pod.js";
import { Service } from "../../../proto/gen/tallship/v1/service.js";
import type { ControlWorld } from "../../../test/kit/control-world.js";
import { worldOfTest } from "../../../test/kit/world-of-test.js";
import { endpoints } from "./endpoints.js";

async function newWorld(): Promise<ControlWorld> {
  const world = await worldOfTest();
  world.run([endpoints]);
  return world;
}

const count = (value: number) => ({ value: { $case: "intVal", value } as const });
const text = (value: string) => ({ value: { $case: "strVal", value } as const });

function putService(world: ControlWorld, spec: object = {}): Promise<void> {
  const object = Service.fromPartial({
    metadata: { name: "web", namespace: "default", uid: "web-uid" },
    spec: {
      selector: { app: "web" },
      clusterIP: "10.96.0.20",
      type: "ClusterIP",
      ports: [{ name: "http", port: 80, protocol: "TCP", targetPort: count(8080) }],
      ...spec,
    },
  });
  return world.put({ kind: "Service", object });
}

interface PodParts {
  readonly ready?: string;
  readonly ip?: string;
  readonly node?: string;
  readonly labels?: Record<string, string>;
  readonly phase?: string;
  readonly deleting?: boolean;
  readonly port?: number;
  readonly uid?: string;
}

function putPod(world: ControlWorld, name: string, parts: PodParts = {}): Promise<void> {
  const { ready = "True", ip = `10.128.0.${name.length}${name.charCodeAt(name.length - 1)}`, node = "node-a" } = parts;
  const object = Pod.fromPartial({
    metadata: {
      name,
      namespace: "default",
      uid: parts.uid ?? `uid-${name}`,
      labels: parts.labels ?? { app: "web" },
      deletionTimestamp: parts.deleting === true ? "2030-01-01T00:00:00Z" : "",
    },
    spec: {
      nodeName: node,
      containers: [{ name: "main", ports: [{ name: "web", containerPort: parts.port ?? 8080, protocol: "TCP" }] }],
    },
    status: {
      phase: parts.phase ?? "Running",
      podIP: ip,
      podIPs: [{ ip }],
      conditions: [{ type: "Ready", status: ready }],
    },
  });
  return world.put({ kind: "Pod", object });
}

const putNode = (world: ControlWorld, name: string, taints: readonly string[] = [], zone = "east"): Promise<void> =>
  world.put({
    kind: "Node",
    object: Node.fromPartial({
      metadata: { name, labels: { "topology.kubernetes.io/zone": zone } },
      spec: { taints: taints.map((key) => ({ key: `node.kubernetes.io/${key}`, effect: "NoSchedule" })) },
    }),
  });

const slices = (world: ControlWorld): readonly EndpointSlice[] =>
  world.view.list("EndpointSlice").map(({ object }) => object);
const all = (world: ControlWorld): readonly Endpoint[] => slices(world).flatMap((slice) => slice.endpoints);
const ready = (world: ControlWorld): readonly (string | undefined)[] =>
  all(world)
    .filter(({ conditions }) => conditions?.ready === true)
    .map(({ targetRef }) => targetRef?.name)
    .sort();

test("a service leads to its ready pods, with their node, zone and ports", async () => {
  const world = await newWorld();
  await putNode(world, "node-a");
  await putService(world);
  await putPod(world, "a", { ip: "10.128.0.5" });
  await putPod(world, "b", { ready: "False" });
  await putPod(world, "other", { labels: { app: "db" } });
  await putPod(world, "c", { ip: "" });
  await putPod(world, "d", { phase: "Failed" });
  await world.converge();
  expect(ready(world)).toEqual(["a"]);
  expect(all(world)).toHaveLength(2);
  const [slice] = slices(world);
  expect(slice?.metadata?.labels).toEqual({
    "kubernetes.io/service-name": "web",
    "endpointslice.kubernetes.io/managed-by": "endpoints.tallship.dev",
  });
  expect(slice?.metadata?.ownerReferences[0]).toMatchObject({ kind: "Service", uid: "web-uid" });
  expect(slice?.addressType).toBe("IPv4");
  expect(slice?.ports).toMatchObject([{ name: "http", port: 8080, protocol: "TCP" }]);
  expect(slice?.endpoints[0]).toMatchObject({ addresses: ["10.128.0.5"], nodeName: "node-a", zone: "east" });
});

// Each row is one reason to withdraw a pod at once, and what is said of it then.
const withdrawals: readonly {
  name: string;
  change: (world: ControlWorld) => Promise<void>;
  want: object | undefined;
}[] = [
  {
    name: "it is being deleted",
    change: (world) => putPod(world, "a", { deleting: true }),
    want: { ready: false, serving: true, terminating: true },
  },
  {
    name: "it is not ready",
    change: (world) => putPod(world, "a", { ready: "False" }),
    want: { ready: false, serving: false, terminating: false },
  },
  {
    name: "its node is unreachable",
    change: (world) => putNode(world, "node-a", ["unreachable"]),
    want: { ready: false, serving: false, terminating: false },
  },
  {
    name: "its node is not ready",
    change: (world) => putNode(world, "node-a", ["not-ready"]),
    want: { ready: false, serving: false, terminating: false },
  },
  { name: "it is finished", change: (world) => putPod(world, "a", { phase: "Succeeded" }), want: undefined },
  {
    name: "it is gone",
    change: (world) => world.drop({ kind: "Pod", namespace: "default", name: "a" }),
    want: undefined,
  },
  { name: "its label was taken away", change: (world) => putPod(world, "a", { labels: {} }), want: undefined },
];

for (const { name, change, want } of withdrawals) {
  test(`a pod is withdrawn in the turn in which ${name}`, async () => {
    const world = await newWorld();
    await putNode(world, "node-a");
    await putService(world);
    await putPod(world, "a");
    await world.converge();
    expect(ready(world)).toEqual(["a"]);
    await change(world);
    expect(ready(world)).toEqual([]);
    expect(all(world)[0]?.conditions).toEqual(want);
  });
}

test("publishNotReadyAddresses publishes pods before they are ready", async () => {
  const world = await newWorld();
  await putService(world, { publishNotReadyAddresses: true });
  await putPod(world, "a", { ready: "False" });
  await world.converge();
  expect(all(world)[0]?.conditions).toMatchObject({ ready: true, serving: false });
});

test("a named port may have another number in each pod: such pods have slices of their own", async () => {
  const world = await newWorld();
  await putService(world, { ports: [{ name: "http", port: 80, protocol: "TCP", targetPort: text("web") }] });
  await putPod(world, "a", { port: 8080 });
  await putPod(world, "b", { port: 9090 });
  await putPod(world, "c", { port: 8080 });
  await world.converge();
  const byPort = Object.fromEntries(
    slices(world).map((slice) => [slice.ports[0]?.port, slice.endpoints.map(({ targetRef }) => targetRef?.name)]),
  );
  expect(byPort).toEqual({ 8080: ["a", "c"], 9090: ["b"] });
});

test("a port that changes moves all endpoints in one transaction", async () => {
  const world = await newWorld();
  await putService(world);
  for (const name of ["a", "b"]) await putPod(world, name);
  await world.converge();
  const sizes: number[] = [];
  world.gate.before = ({ writes }) => {
    sizes.push(writes.length);
    return undefined;
  };
  await putService(world, { ports: [{ name: "http", port: 80, protocol: "TCP", targetPort: count(9090) }] });
  await world.converge();
  expect(sizes).toEqual([2]);
  expect(slices(world).map(({ ports }) => ports[0]?.port)).toEqual([9090]);
  expect(ready(world)).toEqual(["a", "b"]);
});

test("both address families of a dual-stack service have slices", async () => {
  const world = await newWorld();
  await putService(world, { ipFamilies: ["IPv4", "IPv6"] });
  await putPod(world, "a", { ip: "10.128.0.5" });
  await world.edit("Pod", "a", (pod) =>
    Pod.fromPartial({ ...pod, status: { ...pod.status, podIPs: [{ ip: "10.128.0.5" }, { ip: "fd00::5" }] } }),
  );
  await world.converge();
  expect(
    slices(world)
      .map(({ addressType, endpoints: [first] }) => `${addressType} ${first?.addresses[0]}`)
      .sort(),
  ).toEqual(["IPv4 10.128.0.5", "IPv6 fd00::5"]);
});

test("250 pods fill three slices; one change writes one of them", async () => {
  const world = await newWorld();
  await putService(world);
  for (let at = 0; at < 250; at += 1) await putPod(world, `pod-${at}`, { ip: `10.128.${at >> 7}.${at & 127}` });
  await world.converge();
  expect(slices(world).length).toBeLessThanOrEqual(4);
  expect(all(world)).toHaveLength(250);
  const sizes: number[] = [];
  world.gate.before = ({ writes }) => {
    sizes.push(writes.length);
    return undefined;
  };
  await putPod(world, "pod-17", { ip: "10.128.0.17", ready: "False" });
  await world.converge();
  expect(sizes).toEqual([1]);
});

test("a status that does not matter to services writes nothing", async () => {
  const world = await newWorld();
  await putService(world);
  await putPod(world, "a");
  await world.converge();
  const { revision } = world.view;
  await world.edit("Pod", "a", (pod) => Pod.fromPartial({ ...pod, status: { ...pod.status, message: "busy" } }));
  await world.converge();
  expect(world.view.revision).toBe(revision + 1);
});

test("slices that others manage, and services without a selector, are left alone; what is done to own slices is undone", async () => {
  const world = await newWorld();
  const foreign = { name: "manual", namespace: "default", labels: { "kubernetes.io/service-name": "web" } };
  await world.put({
    kind: "EndpointSlice",
    object: EndpointSlice.fromPartial({ metadata: foreign, addressType: "IPv4" }),
  });
  await putService(world, { selector: {} });
  await putPod(world, "a");
  await world.converge();
  expect(slices(world).map((slice) => metaOf(slice).name)).toEqual(["manual"]);
  await putService(world);
  await world.converge();
  const own = slices(world).find((slice) => metaOf(slice).name !== "manual");
  await world.drop({ kind: "EndpointSlice", namespace: "default", name: metaOf(own ?? {}).name });
  await world.converge();
  expect(ready(world)).toEqual(["a"]);
  await putService(world, { selector: {} });
  await world.converge();
  expect(slices(world).map((slice) => metaOf(slice).name)).toEqual(["manual"]);
});

test("an endpoint of each family is there by the pod's first address of it, and says where the pod is on each network by that family", async () => {
  const world = await newWorld();
  await putService(world, { ipFamilies: ["IPv4", "IPv6"] });
  await putPod(world, "a", { ip: "10.64.0.5" });
  const networks = [
    { name: "plain", interface: "eth0", ip: "10.64.0.5", ips: ["10.64.0.5"] },
    { name: "back", interface: "eth1", ip: "10.65.0.5", ips: ["10.65.0.5", "fd00:65::5"] },
  ];
  await world.edit("Pod", "a", (pod) => Pod.fromPartial({ ...pod, status: { ...pod.status, networks } }));
  await world.converge();
  const seen = slices(world).map(({ addressType, endpoints: [first] }) => [
    ...[addressType, ...(first?.addresses ?? [])],
    ...(first?.networks ?? []).map(({ name, address }) => `${name}=${address}`),
  ]);
  expect(seen.map((each) => each.join(" ")).sort()).toEqual([
    "IPv4 10.64.0.5 plain=10.64.0.5 back=10.65.0.5",
    "IPv6 fd00:65::5 back=fd00:65::5",
  ]);
});

const edit = fc.record({
  name: fc.constantFrom("a", "b", "c", "d"),
  ready: fc.constantFrom("True", "False"),
  deleting: fc.boolean(),
  labels: fc.constantFrom({ app: "web" }, { app: "db" }),
  port: fc.constantFrom(8080, 9090),
  uid: fc.constantFrom("one", "two"),
  drop: fc.boolean(),
});

test("any sequence of changes ends with exactly the pods that serve, and then nothing is written", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(edit, { maxLength: 20 }), async (edits) => {
      const world = await newWorld();
      await putService(world, { ports: [{ name: "http", port: 80, protocol: "TCP", targetPort: text("web") }] });
      for (const { name, drop, ...parts } of edits) {
        const isThere = world.view.get("Pod", "default", name) !== undefined;
        if (drop && isThere) await world.drop({ kind: "Pod", namespace: "default", name });
        else if (!drop) await putPod(world, name, parts);
      }
      await world.converge();
      const serving = world.view
        .list("Pod")
        .map(({ object }) => object)
        .filter((pod) => pod.metadata?.labels["app"] === "web");
      const want = serving.filter(
        (pod) => pod.metadata?.deletionTimestamp === "" && pod.status?.conditions[0]?.status === "True",
      );
      expect(ready(world)).toEqual(want.map((pod) => metaOf(pod).name).sort());
      expect(
        all(world)
          .map(({ targetRef }) => targetRef?.uid)
          .sort(),
      ).toEqual(serving.map((pod) => metaOf(pod).uid).sort());
      const { revision } = world.view;
      await world.clock.advance(60_000);
      expect(world.view.revision).toBe(revision);
      world.stop.abort();
    }),
    { seed: 31, numRuns: 80 },
  );
});
