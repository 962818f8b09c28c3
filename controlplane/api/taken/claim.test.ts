import { afterEach, expect, test } from "vitest";
import { encodeObject, storeKey, type Typed } from "../../../kinds/object.js";
import { DeleteRequest } from "../../../proto/gen/tallship/v1/api.js";
import { Service } from "../../../proto/gen/tallship/v1/service.js";
import { ADMIN, type ApiBench, openApiBench } from "../../../test/kit/api-bench.js";
import { leaderPlanner } from "../../leader-writer.js";
import { META } from "../../store/keys.js";

let bench: ApiBench;
afterEach(() => bench.close());

type Spec = NonNullable<NonNullable<Parameters<typeof Service.fromPartial>[0]>["spec"]>;
const service = (name: string, spec: Spec = {}, namespace = "default"): Typed<"Service"> => ({
  kind: "Service",
  object: Service.fromPartial({
    metadata: { name, namespace },
    spec: { selector: { app: name }, ports: [{ port: 80 }], ...spec },
  }),
});
const specOf = (typed: Typed | undefined): Service["spec"] =>
  typed?.kind === "Service" ? typed.object.spec : undefined;
const taken = async (): Promise<readonly string[]> =>
  (await bench.store.list(META.taken)).entries.map(({ key }) => key.slice(META.taken.length));
const refused = (code: string) => expect.objectContaining({ code });

async function update(typed: Typed): Promise<Service["spec"]> {
  await bench.api.update({ object: Buffer.from(encodeObject(typed)), dryRun: false }, bench.as(ADMIN));
  return specOf(await bench.get("Service", "default", typed.object.metadata?.name ?? ""));
}

async function remove(name: string): Promise<void> {
  const request = DeleteRequest.fromPartial({ name: { kind: "Service", namespace: "default", name } });
  await bench.api.delete(request, bench.as(ADMIN));
  await bench.caughtUp();
}

/** A bench whose ranges hold few values, so that guesses collide. */
async function small(): Promise<ApiBench> {
  return openApiBench({
    ranges: { serviceCIDR: "10.96.0.0/29", dnsAddress: "10.96.0.2", nodePortMin: 30_000, nodePortMax: 30_002 },
  });
}

test("a service is given an address of the range, recorded with it and released with it", async () => {
  bench = await openApiBench();
  const created = await bench.create(service("web"));
  const address = specOf(created)?.clusterIP ?? "";
  expect(address).toMatch(/^10\.(9[6-9]|10\d|11[01])\.\d+\.\d+$/);
  expect(specOf(created)?.clusterIPs).toEqual([address]);
  expect(await taken()).toEqual([`service-address/${address}`]);
  await remove("web");
  expect(await taken()).toEqual([]);
});

test("headless and ExternalName services take nothing", async () => {
  bench = await openApiBench();
  await bench.create(service("headless", { clusterIP: "None" }));
  await bench.create(service("outside", { type: "ExternalName", externalName: "example.org" }));
  expect(await taken()).toEqual([]);
});

test("an address that is named is honoured, refused when it is taken or outside, and the resolver's is kept for it", async () => {
  bench = await openApiBench();
  await bench.create(service("web", { clusterIP: "10.96.7.7" }));
  await expect(bench.create(service("other", { clusterIP: "10.96.7.7" }))).rejects.toThrow(
    /10\.96\.7\.7 is taken by Service\/default\/web/,
  );
  await expect(bench.create(service("out", { clusterIP: "192.168.0.1" }))).rejects.toThrow(
    /spec\.clusterIP: want an address of/,
  );
  await expect(bench.create(service("dns", { clusterIP: "10.96.0.10" }))).rejects.toThrow(/reserved/);
  await bench.create(service("dns", { clusterIP: "10.96.0.10" }, "kube-system"));
});

test("all values of a range are given before it is full, and none twice, although guesses collide", async () => {
  bench = await small();
  const given = new Set<string>();
  // Six addresses, one of them the resolver's.
  for (let at = 0; at < 5; at += 1) given.add(specOf(await bench.create(service(`web-${at}`)))?.clusterIP ?? "");
  expect([...given].sort()).toEqual(["10.96.0.1", "10.96.0.3", "10.96.0.4", "10.96.0.5", "10.96.0.6"]);
  await expect(bench.create(service("late"))).rejects.toThrow(refused("resource_exhausted"));
  await remove("web-2");
  await bench.create(service("late"));
});

test("services applied at once from two replicas never share an address", async () => {
  bench = await small();
  const other = await openApiBench({ etcd: bench.etcd, seed: 1, ranges: bench.deps.ranges });
  const set = (from: number, to: number): Typed[] =>
    Array.from({ length: to - from }, (_, at) => service(`web-${from + at}`));
  const [left, right] = await Promise.all([bench.apply(set(0, 3)), other.apply(set(3, 5), { set: "other" })]);
  for (const { results } of [left, right]) expect(results.map(({ outcome }) => outcome)).not.toContain("failed");
  await bench.caughtUp();
  const addresses = (await bench.list({ kind: "Service" })).map((typed) => specOf(typed)?.clusterIP);
  expect(new Set(addresses).size).toBe(5);
  other.close();
});

test("node ports are assigned, kept over an update that does not name them, and released by type and port", async () => {
  bench = await openApiBench();
  const created = await bench.create(
    service("web", {
      type: "NodePort",
      ports: [
        { port: 80, name: "a" },
        { port: 81, name: "b" },
      ],
    }),
  );
  const [a = 0, b = 0] = specOf(created)?.ports.map(({ nodePort }) => nodePort) ?? [];
  expect(a).toBeGreaterThanOrEqual(30_000);
  const address = specOf(created)?.clusterIP ?? "";
  const kept = await update(service("web", { type: "NodePort", ports: [{ port: 81, name: "b" }] }));
  expect(kept).toMatchObject({ clusterIP: address, ports: [{ port: 81, nodePort: b }] });
  expect(await taken()).toEqual([`node-port/${b}`, `service-address/${address}`]);
  const closed = await update(service("web", { ports: [{ port: 81, name: "b" }] }));
  expect(closed?.ports[0]?.nodePort).toBe(0);
  expect(await taken()).toEqual([`service-address/${address}`]);
  await update(service("web", { type: "ExternalName", externalName: "example.org", ports: [] }));
  expect(await taken()).toEqual([]);
});

test("load balancers get a port at which nodes tell of their endpoints, exactly while they are sent to nodes without one in vain", async () => {
  bench = await openApiBench();
  const balanced = (externalTrafficPolicy: string, more: object = {}): ReturnType<typeof service> =>
    service("web", { type: "LoadBalancer", externalTrafficPolicy, ports: [{ port: 80 }], ...more });
  const port = specOf(await bench.create(balanced("Local")))?.healthCheckNodePort ?? 0;
  expect(port).toBeGreaterThanOrEqual(30_000);
  expect(await taken()).toContain(`node-port/${port}`);
  expect((await update(balanced("Local")))?.healthCheckNodePort).toBe(port);
  await expect(
    bench.create(service("other", { type: "NodePort", ports: [{ port: 80, nodePort: port }] })),
  ).rejects.toThrow(`${port} is taken by Service/default/web`);
  await expect(update(balanced("Local", { healthCheckNodePort: port === 30_000 ? 30_001 : 30_000 }))).rejects.toThrow(
    refused("invalid_argument"),
  );
  expect((await update(balanced("Cluster")))?.healthCheckNodePort).toBe(0);
  expect(await taken()).not.toContain(`node-port/${port}`);
  await expect(update(balanced("Cluster", { healthCheckNodePort: 30_000 }))).rejects.toThrow(
    refused("invalid_argument"),
  );
});

test("a node port that is named is honoured, and refused when another service has it", async () => {
  bench = await openApiBench();
  await bench.create(service("web", { type: "NodePort", ports: [{ port: 80, nodePort: 30_080 }] }));
  await expect(
    bench.create(service("other", { type: "NodePort", ports: [{ port: 80, nodePort: 30_080 }] })),
  ).rejects.toThrow(/30080 is taken by Service\/default\/web/);
  await expect(bench.create(service("low", { type: "NodePort", ports: [{ port: 80, nodePort: 80 }] }))).rejects.toThrow(
    refused("invalid_argument"),
  );
});

test("a node port is taken for one protocol: the same number for another one may be another service's", async () => {
  bench = await openApiBench();
  const port = (protocol: string): object => ({ port: 53, protocol, nodePort: 30_053 });
  await bench.create(service("dns", { type: "NodePort", ports: [port("UDP")] }));
  await bench.create(service("over-tcp", { type: "NodePort", ports: [port("TCP")] }));
  await expect(bench.create(service("late", { type: "NodePort", ports: [port("UDP")] }))).rejects.toThrow(
    "30053/UDP is taken by Service/default/dns",
  );
  expect((await taken()).filter((key) => key.startsWith("node-port"))).toEqual([
    "node-port/30053",
    "node-port/30053/UDP",
  ]);
});

test("applying a service again, without its address, changes nothing", async () => {
  bench = await openApiBench();
  await bench.apply([service("web", { type: "NodePort" })]);
  const before = bench.etcd.revision;
  expect((await bench.apply([service("web", { type: "NodePort" })])).results[0]?.outcome).toBe("unchanged");
  expect(bench.etcd.revision).toBe(before);
});

test("a value whose holder is gone without releasing it is taken over, one whose holder the cache merely misses is not", async () => {
  bench = await openApiBench();
  await bench.create(service("web", { clusterIP: "10.96.7.7" }));
  const late = await openApiBench({ etcd: bench.etcd, seed: 2 });
  late.cacheLink.setReachable(false);
  await bench.create(service("fresh", { clusterIP: "10.96.8.8" }));
  const wanted = (clusterIP: string) => ({
    object: Buffer.from(encodeObject(service("new", { clusterIP }))),
    dryRun: false,
  });
  await expect(late.api.create(wanted("10.96.8.8"), late.as(ADMIN))).rejects.toThrow(
    /taken by Service\/default\/fresh/,
  );
  const key = storeKey({ kind: "Service", namespace: "default", name: "web" });
  await bench.store.transact({ checks: [], writes: [{ op: "delete", key }] });
  await late.api.create(wanted("10.96.7.7"), late.as(ADMIN));
  late.close();
});

test("a service that the leader removes releases what it held in the same transaction", async () => {
  bench = await openApiBench();
  await bench.create(service("web", { type: "NodePort" }));
  expect(await taken()).toHaveLength(2);
  await bench.store.transact({ checks: [], writes: [{ op: "put", key: META.leader, value: new Uint8Array([1]) }] });
  const leader = await bench.store.get(META.leader);
  const guard = { key: META.leader, createRevision: leader?.createRevision ?? 0 };
  const key = { kind: "Service", namespace: "default", name: "web" } as const;
  const revision = bench.cache.view.cached("Service", "default", "web")?.revision ?? 0;
  const planner = leaderPlanner(bench.store, guard, bench.cache.view);
  expect(await planner.write([{ op: "delete", key, revision }])).toMatchObject({ is: "written" });
  expect(await taken()).toEqual([]);
});

const dual = { serviceCIDR: "10.96.0.0/16", serviceCIDRIPv6: "fd00:10:96::/112", dnsAddress: "10.96.0.10" };
const dualBench = () => openApiBench({ ranges: { ...dual, nodePortMin: 30_000, nodePortMax: 32_767 } });

// What is asked, and the families that come of it where the cluster has both.
const families: readonly (readonly [string, Spec, readonly string[]])[] = [
  ["nothing", {}, ["IPv4"]],
  ["SingleStack of IPv6", { ipFamilyPolicy: "SingleStack", ipFamilies: ["IPv6"] }, ["IPv6"]],
  ["PreferDualStack", { ipFamilyPolicy: "PreferDualStack" }, ["IPv4", "IPv6"]],
  [
    "RequireDualStack, IPv6 first",
    { ipFamilyPolicy: "RequireDualStack", ipFamilies: ["IPv6", "IPv4"] },
    ["IPv6", "IPv4"],
  ],
  ["an address of IPv6", { clusterIP: "fd00:10:96::77" }, ["IPv6"]],
  ["both, with one address", { ipFamilyPolicy: "RequireDualStack", clusterIP: "fd00:10:96::78" }, ["IPv6", "IPv4"]],
];
for (const [asked, spec, want] of families) {
  test(`asked for ${asked}, a service has ${want.join(" and ")}, each with an address that is recorded and released`, async () => {
    bench = await dualBench();
    const made = specOf(await bench.create(service("web", spec)));
    expect(made?.ipFamilies).toEqual(want);
    expect(made?.clusterIPs.map((ip) => (ip.includes(":") ? "IPv6" : "IPv4"))).toEqual(want);
    expect(made?.clusterIP).toBe(made?.clusterIPs[0]);
    expect([...(await taken())].sort()).toEqual(made?.clusterIPs.map((ip) => `service-address/${ip}`).sort());
    await remove("web");
    expect(await taken()).toEqual([]);
  });
}

test("a headless service has families and no addresses", async () => {
  bench = await dualBench();
  const made = specOf(await bench.create(service("web", { clusterIP: "None", ipFamilyPolicy: "PreferDualStack" })));
  expect([made?.ipFamilies, made?.clusterIPs]).toEqual([["IPv4", "IPv6"], ["None"]]);
});

test("a second family comes and goes with the policy; the first stays, and nothing of the second is left", async () => {
  bench = await dualBench();
  const before = specOf(await bench.create(service("web")));
  const both = await update(service("web", { ipFamilyPolicy: "PreferDualStack" }));
  expect(both?.clusterIPs).toHaveLength(2);
  expect(both?.clusterIPs[0]).toBe(before?.clusterIP);
  const again = await update(service("web", { ipFamilyPolicy: "PreferDualStack" }));
  expect(again?.clusterIPs).toEqual(both?.clusterIPs);
  const { ipFamilies, clusterIPs } = again ?? { ipFamilies: [], clusterIPs: [] };
  const back = await update(service("web", { ipFamilyPolicy: "SingleStack", ipFamilies, clusterIPs }));
  expect([back?.ipFamilies, back?.clusterIPs]).toEqual([["IPv4"], [before?.clusterIP]]);
  expect(await taken()).toEqual([`service-address/${before?.clusterIP}`]);
});

// In Kubernetes' words where it has them.
const refusals: readonly (readonly [Spec, string])[] = [
  [{ clusterIP: "fd00:10:97::1" }, "want an address of fd00:10:96::/112, found fd00:10:97::1"],
  [{ clusterIP: "fd00:10:96:0::5" }, "want it written as fd00:10:96::5, found fd00:10:96:0::5"],
  [
    { ipFamilies: ["IPv4", "IPv6"] },
    "must be 'RequireDualStack' or 'PreferDualStack' when multiple IP families are specified",
  ],
  [
    { ipFamilyPolicy: "PreferDualStack", clusterIP: "10.96.0.5", clusterIPs: ["10.96.0.5", "10.96.0.6"] },
    "may specify no more than one IP for each IP family",
  ],
  [
    { ipFamilies: ["IPv6"], clusterIP: "10.96.0.5", clusterIPs: ["10.96.0.5"] },
    "expected an IPv6 value as indicated by `ipFamilies[0]`",
  ],
  [
    { ipFamilies: ["IPv4"], clusterIP: "fd00:10:96::5" },
    "expected an IPv4 value as indicated by `ipFamilies[0]`, found fd00:10:96::5",
  ],
];
for (const [spec, message] of refusals) {
  test(`refused: ${message}`, async () => {
    bench = await dualBench();
    await expect(bench.create(service("web", spec))).rejects.toThrow(message);
    expect(await taken()).toEqual([]);
  });
}

test("a cluster of one family has no second one to require, and prefers what it has", async () => {
  bench = await openApiBench();
  await expect(bench.create(service("web", { ipFamilyPolicy: "RequireDualStack" }))).rejects.toThrow(
    /spec\.ipFamilyPolicy: this cluster is not configured for dual-stack services/,
  );
  await expect(bench.create(service("web", { ipFamilies: ["IPv6"] }))).rejects.toThrow(
    /spec\.ipFamilies\[0\]: not configured on this cluster/,
  );
  const made = specOf(await bench.create(service("web", { ipFamilyPolicy: "PreferDualStack" })));
  expect([made?.ipFamilies, made?.ipFamilyPolicy]).toEqual([["IPv4"], "PreferDualStack"]);
});

test("what only a former type may have goes with it, and a node port that a type has no use for is nobody's", async () => {
  bench = await openApiBench();
  const balanced = { type: "LoadBalancer", externalTrafficPolicy: "Local", loadBalancerClass: "example.org/other" };
  const created = specOf(await bench.create(service("web", balanced)));
  expect(created).toMatchObject({ ...balanced, allocateLoadBalancerNodePorts: true, ipFamilyPolicy: "SingleStack" });
  // A client that writes back what it has read, but for the type.
  const named = await update(service("web", { ...created, type: "ExternalName", externalName: "example.org" }));
  expect(named).toMatchObject({ clusterIPs: [], externalTrafficPolicy: "", loadBalancerClass: "", ipFamilyPolicy: "" });
  expect(named?.ipFamilies).toEqual([]);
  await update(service("web", { type: "ExternalName", externalName: "a.org", ports: [{ port: 80, nodePort: 443 }] }));
  expect(await taken()).toEqual([]);
  const inner = service("web", { externalTrafficPolicy: "Local" });
  await expect(update(inner)).rejects.toThrow(/may only be set for externally-accessible services/);
  const outer = await update(service("web", { externalIPs: ["192.0.2.1"] }));
  expect(outer?.externalTrafficPolicy).toBe("Cluster");
  expect((await update(service("web")))?.externalTrafficPolicy).toBe("");
});

test("a name alone may be of both families in a cluster of one", async () => {
  bench = await openApiBench();
  const bare = { ...service("bare").object };
  const object = { ...bare, spec: bare.spec && { ...bare.spec, selector: {}, clusterIP: "None" } };
  expect(specOf(await bench.create({ kind: "Service", object }))).toMatchObject({
    ipFamilyPolicy: "RequireDualStack",
    ipFamilies: ["IPv4", "IPv6"],
  });
});
