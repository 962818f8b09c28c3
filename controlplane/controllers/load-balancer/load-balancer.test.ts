import { expect, test } from "vitest";
import { ConfigMap } from "../../../proto/gen/tallship/v1/configmap.js";
import { EndpointSlice } from "../../../proto/gen/tallship/v1/endpointslice.js";
import { Node } from "../../../proto/gen/tallship/v1/node.js";
import { Service } from "../../../proto/gen/tallship/v1/service.js";
import type { ControlWorld } from "../../../test/kit/control-world.js";
import { worldOfTest } from "../../../test/kit/world-of-test.js";
import { UNREACHABLE } from "../node/taints.js";
import { loadBalancer } from "./load-balancer.js";

async function newWorld(nodes: readonly string[], addresses = "192.0.2.10-192.0.2.11"): Promise<ControlWorld> {
  const world = await worldOfTest();
  world.run([loadBalancer("a")]);
  for (const name of nodes) await putNode(world, name);
  await putPool(world, addresses);
  return world;
}

const putPool = (world: ControlWorld, addresses: string): Promise<void> =>
  world.put({
    kind: "ConfigMap",
    object: ConfigMap.fromPartial({
      metadata: { name: "load-balancer-pool", namespace: "kube-system" },
      data: { addresses },
    }),
  });

const putNode = (
  world: ControlWorld,
  name: string,
  taints: readonly string[] = [],
  labels: Readonly<Record<string, string>> = {},
): Promise<void> =>
  world.put({
    kind: "Node",
    object: Node.fromPartial({
      metadata: { name, labels },
      spec: { taints: taints.map((key) => ({ key, effect: "NoExecute" })) },
      status: { conditions: [{ type: "Ready", status: "True" }] },
    }),
  });

const putService = (world: ControlWorld, name: string, spec: object = {}): Promise<void> =>
  world.put({
    kind: "Service",
    object: Service.fromPartial({
      metadata: { name, namespace: "default", uid: `uid-${name}` },
      spec: { type: "LoadBalancer", clusterIP: "10.96.0.20", ports: [{ port: 80 }], ...spec },
    }),
  });

const putSlice = (world: ControlWorld, service: string, nodes: readonly string[]): Promise<void> =>
  world.put({
    kind: "EndpointSlice",
    object: EndpointSlice.fromPartial({
      metadata: { name: `${service}-1`, namespace: "default", labels: { "kubernetes.io/service-name": service } },
      addressType: "IPv4",
      endpoints: nodes.map((nodeName, at) => ({ addresses: [`10.128.0.${at + 2}`], nodeName })),
    }),
  });

/** Address and announcer of a service. */
function standing(world: ControlWorld, name: string): string {
  const status = world.view.get("Service", "default", name)?.status;
  return `${status?.loadBalancer?.ingress.map(({ ip }) => ip).join() ?? ""} ${status?.announcedBy ?? ""}`.trim();
}

const reason = (world: ControlWorld, name: string): string | undefined =>
  world.view.get("Service", "default", name)?.status?.conditions.find(({ type }) => type === "LoadBalancerAddress")
    ?.reason;

test("services of type LoadBalancer get an address and a node that announces it; others get none", async () => {
  const world = await newWorld(["a", "b"]);
  await putService(world, "one");
  await putService(world, "two");
  await putService(world, "plain", { type: "ClusterIP" });
  await putService(world, "foreign", { loadBalancerClass: "example.org/other" });
  await world.converge();
  expect(["one", "two", "plain", "foreign"].map((name) => standing(world, name))).toEqual([
    "192.0.2.10 a",
    "192.0.2.11 b",
    "",
    "",
  ]);
});

test("an address moves to another node when its own is lost, and stays there when that comes back", async () => {
  const world = await newWorld(["a", "b"]);
  await putService(world, "one");
  await world.converge();
  expect(standing(world, "one")).toBe("192.0.2.10 a");
  await putNode(world, "a", [UNREACHABLE]);
  await world.converge();
  expect(standing(world, "one")).toBe("192.0.2.10 b");
  await putNode(world, "a");
  await world.converge();
  expect(standing(world, "one")).toBe("192.0.2.10 b");
  expect(world.notices.map(({ message }) => message)).toEqual([
    "192.0.2.10 is announced by node a",
    "192.0.2.10 is announced by node b",
  ]);
});

test("hosts of control planes announce where no others can, the leader's last of all, and what they announce stays there", async () => {
  const world = await newWorld([]);
  const bearer = { "node-role.kubernetes.io/control-plane": "" };
  for (const name of ["a", "b"]) await putNode(world, name, [], bearer);
  await putService(world, "one");
  await world.converge();
  expect(standing(world, "one")).toBe("192.0.2.10 b");
  await putNode(world, "c");
  await putService(world, "two");
  await world.converge();
  expect(["one", "two"].map((name) => standing(world, name))).toEqual(["192.0.2.10 b", "192.0.2.11 c"]);
  for (const name of ["b", "c"]) await putNode(world, name, [UNREACHABLE], name === "b" ? bearer : {});
  await world.converge();
  expect(["one", "two"].map((name) => standing(world, name))).toEqual(["192.0.2.10 a", "192.0.2.11 a"]);
});

test("with externalTrafficPolicy Local the address follows the endpoints", async () => {
  const world = await newWorld(["a", "b", "c"]);
  await putService(world, "one", { externalTrafficPolicy: "Local" });
  await putSlice(world, "one", ["c"]);
  await world.converge();
  expect(standing(world, "one")).toBe("192.0.2.10 c");
  await putSlice(world, "one", ["b", "c"]);
  await world.converge();
  expect(standing(world, "one")).toBe("192.0.2.10 c");
  await putSlice(world, "one", ["b"]);
  await world.converge();
  expect(standing(world, "one")).toBe("192.0.2.10 b");
});

test("without a pool a service waits and says why; an address comes with the pool, and goes with the type", async () => {
  const world = await newWorld(["a"], "");
  await putService(world, "one");
  await world.converge();
  expect([standing(world, "one"), reason(world, "one")]).toEqual(["", "NoAddressPool"]);
  await putPool(world, "192.0.2.10");
  await world.converge();
  expect([standing(world, "one"), reason(world, "one")]).toEqual(["192.0.2.10 a", "AddressGiven"]);
  await putService(world, "two");
  await world.converge();
  expect(reason(world, "two")).toBe("PoolExhausted");
  await world.edit("Service", "one", (service) => ({
    ...service,
    ...(service.spec === undefined ? {} : { spec: { ...service.spec, type: "ClusterIP" } }),
  }));
  await world.converge();
  expect([standing(world, "one"), reason(world, "one")]).toEqual(["", undefined]);
  expect(standing(world, "two")).toBe("192.0.2.10 a");
});

test("a service of both families has an address of each; both move with their node, and the second goes with its family", async () => {
  const world = await newWorld(["a", "b"], "192.0.2.10, 2001:db8::10-2001:db8::1f");
  await putService(world, "one", { ipFamilies: ["IPv4", "IPv6"], ipFamilyPolicy: "RequireDualStack" });
  await world.converge();
  expect(standing(world, "one")).toBe("192.0.2.10,2001:db8::10 a");
  await putNode(world, "a", [UNREACHABLE]);
  await world.converge();
  expect(standing(world, "one")).toBe("192.0.2.10,2001:db8::10 b");
  expect(world.notices.at(-1)?.message).toBe("192.0.2.10 and 2001:db8::10 are announced by node b");
  await putService(world, "two", { ipFamilies: ["IPv6"], loadBalancerIP: "2001:DB8::0015" });
  await world.edit("Service", "one", (service) => ({
    ...service,
    ...(service.spec === undefined
      ? {}
      : { spec: { ...service.spec, ipFamilies: ["IPv4"], ipFamilyPolicy: "SingleStack" } }),
  }));
  await world.converge();
  expect(["one", "two"].map((name) => standing(world, name))).toEqual(["192.0.2.10 b", "2001:db8::15 b"]);
});

test("a service that prefers both families has one where the pool has no more, and says so", async () => {
  const world = await newWorld(["a"], "192.0.2.10");
  await putService(world, "one", { ipFamilies: ["IPv4", "IPv6"], ipFamilyPolicy: "PreferDualStack" });
  await world.converge();
  expect(standing(world, "one")).toBe("192.0.2.10 a");
  const [condition] = world.view.get("Service", "default", "one")?.status?.conditions ?? [];
  expect(condition?.message).toBe(
    "192.0.2.10 is given to the service; the cluster's pool of addresses for services has none of IPv6",
  );
});

test("what is wrong with the pool's text is told to who gets no address", async () => {
  const world = await newWorld(["a"], "192.0.2.300, 192.0.2.9-192.0.2.1");
  await putService(world, "one");
  await world.converge();
  const [condition] = world.view.get("Service", "default", "one")?.status?.conditions ?? [];
  expect(condition?.message).toBe(
    'the cluster has no pool of addresses for services; of the pool\'s text, "192.0.2.300", "192.0.2.9-192.0.2.1" is no address, network or first-last',
  );
});
