import { expect, test } from "vitest";
import { EndpointSlice } from "../../../proto/gen/tallship/v1/endpointslice.js";
import { Service } from "../../../proto/gen/tallship/v1/service.js";
import type { ControlWorld } from "../../../test/kit/control-world.js";
import { worldOfTest } from "../../../test/kit/world-of-test.js";
import { META } from "../../store/keys.js";
import { serviceAddresses } from "./service-addresses.js";

async function newWorld(serviceCIDR = "10.96.0.0/12", serviceCIDRIPv6 = "fd00:10:96::/108"): Promise<ControlWorld> {
  const world = await worldOfTest();
  world.run([serviceAddresses({ serviceCIDR, serviceCIDRIPv6, dnsAddress: "10.96.0.2" })]);
  return world;
}

const putService = (world: ControlWorld, name: string, clusterIP = "10.96.0.1"): Promise<void> =>
  world.put({
    kind: "Service",
    object: Service.fromPartial({ metadata: { name, namespace: "shop", uid: `uid-${name}` }, spec: { clusterIP } }),
  });

/** One slice with a pod for each list of networks, in the pod's order. */
async function putEndpoints(world: ControlWorld, service: string, pods: readonly (readonly string[])[]): Promise<void> {
  const endpoints = pods.map((networks, pod) => ({
    addresses: [`10.64.0.${pod + 2}`],
    networks: networks.map((name, at) => ({ name, address: `10.64.${at}.${pod + 2}` })),
  }));
  const labels = { "kubernetes.io/service-name": service };
  const object = EndpointSlice.fromPartial({ metadata: { name: service, namespace: "shop", labels }, endpoints });
  await world.put({ kind: "EndpointSlice", object });
  await world.converge();
}

/** The same by both families, for pods with IPv6 on all of their networks but those that are called plain. */
async function putBothEndpoints(world: ControlWorld, pods: readonly (readonly string[])[]): Promise<void> {
  const places = pods.map((networks, pod) =>
    networks.flatMap((name, at) => (name.startsWith("plain") ? [] : [{ name, address: `fd00:64:${at}::${pod + 2}` }])),
  );
  const object = EndpointSlice.fromPartial({
    metadata: { name: "web-ipv6", namespace: "shop", labels: { "kubernetes.io/service-name": "web" } },
    addressType: "IPv6",
    endpoints: places.map((networks) => ({ addresses: [networks[0]?.address ?? ""], networks })),
  });
  await world.put({ kind: "EndpointSlice", object });
  await putEndpoints(world, "web", pods);
}

const putBoth = (world: ControlWorld, clusterIPs = ["10.96.0.1", "fd00:10:96::1"]): Promise<void> =>
  world.put({
    kind: "Service",
    object: Service.fromPartial({
      metadata: { name: "web", namespace: "shop", uid: "uid-web" },
      spec: { clusterIP: clusterIPs[0] ?? "", clusterIPs },
    }),
  });

const given = (world: ControlWorld, name: string) =>
  world.view.get("Service", "shop", name)?.status?.networkAddresses ?? [];
const networksOf = (world: ControlWorld, name: string): readonly string[] =>
  given(world, name).map(({ network }) => network);
const taken = async (world: ControlWorld): Promise<readonly string[]> =>
  (await world.store.list(META.taken)).entries.map(({ key }) => key.slice(META.taken.length));

test("a service whose pods are on several networks has an address on each, its own on the first; each is recorded as taken", async () => {
  const world = await newWorld();
  await putService(world, "web");
  await putEndpoints(world, "web", [
    ["front", "back"],
    ["front", "back"],
  ]);
  const [front, back, ...more] = given(world, "web");
  expect(front).toEqual({ network: "front", address: "10.96.0.1" });
  expect(back?.network).toBe("back");
  expect(more).toEqual([]);
  expect(await taken(world)).toEqual([`service-address/${back?.address}`]);
});

// Pods of these services are all reached by the service's own address.
for (const pods of [[], [["back"]], [[], []], [["back"], []]])
  test(`no further address for pods on ${JSON.stringify(pods)}`, async () => {
    const world = await newWorld();
    await putService(world, "web");
    await putEndpoints(world, "web", pods);
    expect(given(world, "web")).toEqual([]);
  });

test("what was given stays while pods come and go, and what is new comes beside it", async () => {
  const world = await newWorld();
  await putService(world, "web");
  await putEndpoints(world, "web", [["front", "back"]]);
  const before = given(world, "web");
  await putEndpoints(world, "web", []);
  expect(given(world, "web")).toEqual(before);
  await putEndpoints(world, "web", [["back", "side"]]);
  expect(given(world, "web").slice(0, 2)).toEqual(before);
  expect(networksOf(world, "web")).toEqual(["front", "back", "side"]);
});

test("two services never have one address, and a full range leaves out who comes late", async () => {
  // Six addresses: one is the resolver's, two are the services' own.
  const world = await newWorld("10.96.0.0/29");
  await putService(world, "web", "10.96.0.1");
  await putService(world, "db", "10.96.0.3");
  for (const name of ["web", "db"]) await putEndpoints(world, name, [["front", "a", "b"]]);
  const all = ["web", "db"].flatMap((name) => given(world, name).map(({ address }) => address));
  expect([...all].sort()).toEqual(["10.96.0.1", "10.96.0.3", "10.96.0.4", "10.96.0.5", "10.96.0.6"]);
});

test("an address that was given for what has become the first network is given back", async () => {
  const world = await newWorld();
  await putService(world, "web");
  await putEndpoints(world, "web", [["front", "back"]]);
  const [, back] = given(world, "web");
  const live = world.view.get("Service", "shop", "web");
  const status = { networkAddresses: [{ network: "front", address: "10.96.0.9" }, back ?? {}] };
  const record = { op: "put" as const, key: `${META.taken}service-address/10.96.0.9`, value: new Uint8Array() };
  await world.store.transact({ checks: [], writes: [record] });
  await world.put({ kind: "Service", object: Service.fromPartial({ ...live, status }) });
  await world.converge();
  expect(given(world, "web")).toEqual([{ network: "front", address: "10.96.0.1" }, back]);
  expect(await taken(world)).toEqual([`service-address/${back?.address}`]);
});

test("the second address of a service of both families is nobody else's", async () => {
  const world = await newWorld("10.96.0.0/29");
  await putService(world, "web", "10.96.0.1");
  const spec = { clusterIP: "fd00::9", clusterIPs: ["fd00::9", "10.96.0.3"] };
  const metadata = { name: "six", namespace: "shop", uid: "uid-six" };
  await world.put({ kind: "Service", object: Service.fromPartial({ metadata, spec }) });
  await putEndpoints(world, "web", [["front", "a", "b", "c"]]);
  expect(
    given(world, "web")
      .map(({ address }) => address)
      .sort(),
  ).toEqual(["10.96.0.1", "10.96.0.4", "10.96.0.5", "10.96.0.6"]);
});

test("a service that has become headless gives them back", async () => {
  const world = await newWorld();
  await putService(world, "web");
  await putEndpoints(world, "web", [["front", "back"]]);
  const live = world.view.get("Service", "shop", "web");
  await world.put({
    kind: "Service",
    object: Service.fromPartial({ ...live, spec: { ...live?.spec, clusterIP: "None" } }),
  });
  await world.converge();
  expect(given(world, "web")).toEqual([]);
});

const byNetwork = (world: ControlWorld, network: string): readonly string[] =>
  given(world, "web")
    .filter((each) => each.network === network)
    .map(({ address }) => address);

test("a service of both families has an address of each on each network that its pods have both on, and records of all", async () => {
  const world = await newWorld();
  await putBoth(world);
  await putBothEndpoints(world, [["front", "back", "plain"]]);
  expect(byNetwork(world, "front")).toEqual(["10.96.0.1", "fd00:10:96::1"]);
  expect(byNetwork(world, "back")).toEqual([expect.stringMatching(/^10\./), expect.stringMatching(/^fd00:10:96::/)]);
  expect(byNetwork(world, "plain")).toHaveLength(1);
  const further = [...byNetwork(world, "back"), ...byNetwork(world, "plain")];
  expect([...(await taken(world))].sort()).toEqual(further.map((each) => `service-address/${each}`).sort());
});

test("where pods are on one network by IPv6 and on two by IPv4, the service's own address of IPv6 is that network's", async () => {
  const world = await newWorld();
  await putBoth(world);
  await putBothEndpoints(world, [["front", "plain"]]);
  expect(byNetwork(world, "front")).toEqual(["10.96.0.1", "fd00:10:96::1"]);
  expect(byNetwork(world, "plain")).toHaveLength(1);
});

test("a family that comes later gets its addresses beside those that stand, and gives them back as it goes", async () => {
  const world = await newWorld();
  await putBoth(world, ["10.96.0.1"]);
  await putBothEndpoints(world, [["front", "back"]]);
  const before = given(world, "web");
  expect(before.map(({ network }) => network)).toEqual(["front", "back"]);
  const live = world.view.get("Service", "shop", "web");
  const change = async (clusterIPs: string[]): Promise<void> => {
    const { status } = world.view.get("Service", "shop", "web") ?? {};
    const spec = { ...live?.spec, clusterIPs };
    await world.put({ kind: "Service", object: Service.fromPartial({ ...live, spec, status }) });
    await world.converge();
  };
  await change(["10.96.0.1", "fd00:10:96::1"]);
  expect(given(world, "web").slice(0, 2)).toEqual(before);
  expect(byNetwork(world, "front")).toEqual(["10.96.0.1", "fd00:10:96::1"]);
  expect(byNetwork(world, "back")).toHaveLength(2);
  await change(["10.96.0.1"]);
  expect(given(world, "web")).toEqual(before);
});

test("a full range of one family leaves the other's addresses be", async () => {
  // Two addresses of IPv6, of which one is the service's own.
  const world = await newWorld("10.96.0.0/12", "fd00:10:96::/126");
  await putBoth(world);
  await putBothEndpoints(world, [["front", "back", "side"]]);
  expect(["front", "back", "side"].map((each) => byNetwork(world, each).length).sort()).toEqual([1, 2, 2]);
});
