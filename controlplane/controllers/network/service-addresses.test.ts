import { expect, test } from "vitest";
import { EndpointSlice } from "../../../proto/gen/tallship/v1/endpointslice.js";
import { Service } from "../../../proto/gen/tallship/v1/service.js";
import type { ControlWorld } from "../../../test/kit/control-world.js";
import { worldOfTest } from "../../../test/kit/world-of-test.js";
import { META } from "../../store/keys.js";
import { serviceAddresses } from "./service-addresses.js";

async function newWorld(serviceCIDR = "10.96.0.0/12"): Promise<ControlWorld> {
  const world = await worldOfTest();
  world.run([serviceAddresses({ serviceCIDR, dnsAddress: "10.96.0.2" })]);
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
