import fc from "fast-check";
import { expect, test } from "vitest";
import { networkMap, nodeConfig, nodeObject, PROXY_SITE, type TestService } from "../../test/kit/network-world.js";
import { RULE_MAPS, type RuleFrame } from "../kernel/rules.js";
import { SimulatedKernel } from "../kernel/simulated-kernel.js";
import type { NetworkMap } from "../node-network.js";
import { hairpins as localPods } from "./held-addresses.js";
import { frontKey } from "./proxy-elements.js";
import { ProxyState } from "./proxy-state.js";
import { targetsOf } from "./service-targets.js";
import { FEW_SLOTS } from "./slots.js";

const FRAME: RuleFrame = {
  ...nodeConfig(4),
  family: "IPv4",
  overlayDevice: "tallship0",
  gateway: "10.128.4.1",
  affinitySeconds: [],
};
const web = (endpoints: readonly string[], change: Partial<TestService> = {}): TestService => ({
  name: "web",
  clusterIP: "10.96.1.1",
  ports: [{ port: 80, targetPort: 8080 }],
  endpoints,
  ...change,
});
const state = (): ProxyState => new ProxyState(PROXY_SITE, localPods());
const lines = (change: ReturnType<ProxyState["update"]>): string[] =>
  change.elements().map((each) => `${each.do} ${each.map} ${each.key}${each.value === "" ? "" : ` : ${each.value}`}`);

test("a service's elements are its slots and a chain for their number", () => {
  const proxy = state();
  expect(lines(proxy.update(networkMap(1, [], [web(["10.128.5.2", "10.128.5.3"])])))).toEqual([
    "add service-endpoints 10.96.1.1 . tcp . 80 . 0 : 10.128.5.2 . 8080",
    "add service-endpoints 10.96.1.1 . tcp . 80 . 1 : 10.128.5.3 . 8080",
    "add services 10.96.1.1 . tcp . 80 : goto pick-2",
  ]);
});

test("an endpoint that leaves costs its slot and the chain, deletes first", () => {
  const proxy = state();
  const many = Array.from({ length: 10 }, (_, at) => `10.128.5.${at + 2}`);
  proxy.update(networkMap(1, [], [web(many)]));
  expect(lines(proxy.update(networkMap(2, [], [web(many.slice(0, 9))])))).toEqual([
    "delete service-endpoints 10.96.1.1 . tcp . 80 . 9 : 10.128.5.11 . 8080",
    "delete services 10.96.1.1 . tcp . 80 : goto pick-10",
    "add services 10.96.1.1 . tcp . 80 : goto pick-9",
  ]);
});

test("one endpoint's change among 10,000 services changes few elements", () => {
  const proxy = state();
  const services = Array.from({ length: 10_000 }, (_, at): TestService => {
    const clusterIP = `10.97.${at >> 8}.${at & 255}`;
    return web([`10.128.5.2`, "10.128.5.3"], { name: `s${at}`, clusterIP });
  });
  const map = networkMap(1, [], services);
  proxy.update(map);
  expect(proxy.elementCount).toBe(30_000);
  const slices = new Map(map.endpointSlices);
  const changed = networkMap(2, [], [web(["10.128.5.2"], { name: "s77", clusterIP: "10.97.0.77" })]);
  for (const [key, slice] of changed.endpointSlices) slices.set(key, slice);
  expect(proxy.update({ ...map, endpointSlices: slices }).elements().length).toBe(3);
});

test("a service without endpoints has no elements at all", () => {
  const proxy = state();
  proxy.update(networkMap(1, [], [web(["10.128.5.2"])]));
  proxy.update(networkMap(2, [], [web(["-10.128.5.2"])]));
  expect([...proxy.elements()]).toEqual([]);
  expect(proxy.elementCount).toBe(0);
});

test("many slots, and those for clients from outside, stand in a map of their own, and an endpoint more moves all of them", () => {
  const proxy = state();
  const some = (count: number): readonly string[] => Array.from({ length: count }, (_, at) => `10.128.5.${at + 2}`);
  const mapsOf = (change: readonly string[], what: string): readonly string[] =>
    [...new Set(change.filter((line) => line.startsWith(`${what} `)).map((line) => line.split(" ")[1] ?? ""))].sort();
  expect(mapsOf(lines(proxy.update(networkMap(1, [], [web(some(FEW_SLOTS))]))), "add")).toEqual([
    "service-endpoints",
    "services",
  ]);
  const change = lines(proxy.update(networkMap(2, [], [web(some(FEW_SLOTS + 1))])));
  expect(mapsOf(change, "delete")).toEqual(["service-endpoints", "services"]);
  expect(mapsOf(change, "add")).toEqual(["many-service-endpoints", "services"]);
  const local = { ports: [{ port: 80, nodePort: 30_080 }], spec: { externalTrafficPolicy: "Local" } };
  const outside = lines(proxy.update(networkMap(3, [], [web(["10.128.4.2"], local)])));
  expect(outside).toContain("add node-port-endpoints tcp . 30080 . 0 : 10.128.4.2 . 80");
  expect(outside).toContain("add many-node-port-endpoints tcp . 30080 . 32768 : 10.128.4.2 . 80");
  for (const element of proxy.elements()) expect(proxy.wanted(element)).toBe(element.value);
});

test("a node port has slots of its own", () => {
  const proxy = state();
  const map = networkMap(1, [], [web(["10.128.5.2"], { ports: [{ port: 80, nodePort: 30_080 }] })]);
  expect(lines(proxy.update(map)).slice(2)).toEqual([
    "add node-port-endpoints tcp . 30080 . 0 : 10.128.5.2 . 80",
    "add node-ports tcp . 30080 : goto node-pick-1",
  ]);
});

test("a local pod behind services may meet itself until the last of them lets it go", () => {
  const proxy = state();
  const other = (endpoints: readonly string[]): TestService => web(endpoints, { name: "b", clusterIP: "10.96.1.2" });
  const hairpins = (change: ReturnType<ProxyState["update"]>): string[] =>
    lines(change).filter((line) => line.includes("hairpins"));
  const local = ["10.128.4.9"];
  expect(hairpins(proxy.update(networkMap(1, [], [web(local), other(local)])))).toEqual([
    "add hairpins 10.128.4.9 . 10.128.4.9",
  ]);
  expect(hairpins(proxy.update(networkMap(2, [], [web([]), other(local)])))).toEqual([]);
  expect(hairpins(proxy.update(networkMap(3, [], [web(local), other([])])))).toEqual([]);
  expect(hairpins(proxy.update(networkMap(4, [], [web([]), other([])])))).toEqual([
    "delete hairpins 10.128.4.9 . 10.128.4.9",
  ]);
});

test("an address that goes from one service to another in one update is deleted before it is added", () => {
  const proxy = state();
  proxy.update(networkMap(1, [], [web(["10.128.5.2"], { name: "old" })]));
  expect(lines(proxy.update(networkMap(2, [], [web(["10.128.5.3"], { name: "new" })])))).toEqual([
    "delete service-endpoints 10.96.1.1 . tcp . 80 . 0 : 10.128.5.2 . 8080",
    "add service-endpoints 10.96.1.1 . tcp . 80 . 0 : 10.128.5.3 . 8080",
  ]);
});

// How fields of a service stand in the maps; the first two lines of each are always the plain cluster address.
const near = "10.128.4.9";
const far = "10.128.5.2";
const rows: readonly { why: string; change: Partial<TestService>; want: readonly string[] }[] = [
  {
    why: "an external address has slots of its own",
    change: { endpoints: [far], spec: { externalIPs: ["203.0.113.1"] } },
    want: [
      "service-endpoints 203.0.113.1 . tcp . 80 . 0 : 10.128.5.2 . 8080",
      "services 203.0.113.1 . tcp . 80 : goto pick-1",
    ],
  },
  {
    why: "an external address without endpoints is closed",
    change: { spec: { externalIPs: ["203.0.113.1"] } },
    want: ["closed-ports 203.0.113.1 . tcp . 80"],
  },
  {
    why: "an announced address lets in whom it names, each network once",
    change: {
      endpoints: [far],
      type: "LoadBalancer",
      announced: ["203.0.113.1"],
      spec: { loadBalancerSourceRanges: ["192.0.2.7/32", "192.0.2.0/24", "198.51.100.1/32"] },
    },
    want: [
      "service-endpoints 203.0.113.1 . tcp . 80 . 0 : 10.128.5.2 . 8080",
      "services 203.0.113.1 . tcp . 80 : goto pick-1",
      "outside-services 203.0.113.1 . tcp . 80 : goto guarded",
      "guarded-services 203.0.113.1 . tcp . 80 . 192.0.2.0/24 : goto pick-1",
      "guarded-services 203.0.113.1 . tcp . 80 . 198.51.100.1 : goto pick-1",
      "load-balancers 203.0.113.1",
    ],
  },
  {
    why: "a Local node port leads those from outside to this node's endpoints alone",
    change: {
      endpoints: [near, far],
      ports: [{ port: 80, nodePort: 30_080 }],
      spec: { externalTrafficPolicy: "Local" },
    },
    want: [
      "node-port-endpoints tcp . 30080 . 0 : 10.128.4.9 . 80",
      "node-port-endpoints tcp . 30080 . 1 : 10.128.5.2 . 80",
      "many-node-port-endpoints tcp . 30080 . 32768 : 10.128.4.9 . 80",
      "node-ports tcp . 30080 : goto node-pick-2",
      "outside-node-ports tcp . 30080 : goto outside-node-pick-1",
    ],
  },
  {
    why: "a Local node port drops those from outside when the node has no endpoint",
    change: { endpoints: [far], ports: [{ port: 80, nodePort: 30_080 }], spec: { externalTrafficPolicy: "Local" } },
    want: [
      "node-port-endpoints tcp . 30080 . 0 : 10.128.5.2 . 80",
      "node-ports tcp . 30080 : goto node-pick-1",
      "outside-node-ports tcp . 30080 : drop",
    ],
  },
  {
    why: "an endpoint that is no pod gets strangers' packets from the host",
    change: { endpoints: ["192.168.9.5"] },
    want: ["foreign-endpoints 192.168.9.5"],
  },
];
for (const { why, change, want } of rows) {
  test(why, () => {
    const added = lines(state().update(networkMap(1, [], [web([], change)]))).map((line) => line.replace(/^add /, ""));
    const others = added.filter((line) => !line.includes(" 10.96.1.1 .") && !line.startsWith("hairpins"));
    expect(others).toEqual(want);
  });
}

test("a service whose clients keep their endpoint has marks for slots, and the endpoint by its mark", () => {
  const proxy = state();
  const spec = { sessionAffinity: "ClientIP", sessionAffinityConfig: { clientIP: { timeoutSeconds: 600 } } };
  const added = lines(proxy.update(networkMap(1, [], [web([far, "10.128.5.3"], { spec })])));
  const drawn = added.filter((line) => line.startsWith("add sticky-draws"));
  expect(drawn.length).toBe(128);
  expect(drawn.filter((line) => line.endsWith(": 0x0a800502")).length).toBe(64);
  expect(added.filter((line) => !line.startsWith("add sticky-draws"))).toEqual([
    "add sticky-endpoints 10.96.1.1 . tcp . 80 . 0x0a800502 : 10.128.5.2 . 8080",
    "add sticky-endpoints 10.96.1.1 . tcp . 80 . 0x0a800503 : 10.128.5.3 . 8080",
    "add services 10.96.1.1 . tcp . 80 : goto stick-128-600",
  ]);
  expect(proxy.affinitySeconds).toEqual([600]);
});

test("a node that moves to another zone leads services with a preference anew", () => {
  const proxy = state();
  const service = web(["10.128.5.2%a", "10.128.6.2%b"], { spec: { trafficDistribution: "PreferClose" } });
  const inZone = (zone: string) => networkMap(1, [nodeObject(4, undefined, undefined, zone)], [service]);
  const map = inZone("a");
  proxy.update(map);
  expect(proxy.leadsTo("10.96.1.1 . tcp . 80", "10.128.6.2 . 8080")).toBe(false);
  proxy.update({ ...map, nodes: inZone("b").nodes });
  expect(proxy.leadsTo("10.96.1.1 . tcp . 80", "10.128.6.2 . 8080")).toBe(true);
  expect(proxy.leadsTo("10.96.1.1 . tcp . 80", "10.128.5.2 . 8080")).toBe(false);
});

// What becomes of connections: [protocol, endpoints before, endpoints after, filters].
const udp = { ports: [{ port: 53, protocol: "UDP", nodePort: 30_053 }] };
const flows = [
  {
    why: "UDP flows to an endpoint that left are forgotten at once",
    change: udp,
    before: ["10.128.5.2", "10.128.5.3"],
    after: ["10.128.5.2", "!10.128.5.3"],
    want: [{ protocol: "udp", endpoint: "10.128.5.3", endpointPort: 53 }],
  },
  {
    why: "UDP flows that found nobody are forgotten when somebody comes",
    change: udp,
    before: [],
    after: ["10.128.5.2"],
    want: [
      { protocol: "udp", sentTo: "10.96.1.1", sentToPort: 53 },
      { protocol: "udp", sentToPort: 30_053 },
    ],
  },
  {
    why: "TCP connections to an endpoint that is going live on, but for those that it has not answered",
    change: {},
    before: ["10.128.5.2", "10.128.5.3"],
    after: ["10.128.5.2", "!10.128.5.3"],
    want: [{ protocol: "tcp", endpoint: "10.128.5.3", endpointPort: 8080, isUnanswered: true }],
  },
  {
    why: "TCP connections to the last endpoint that is going are its own: it still answers",
    change: {},
    before: ["10.128.5.3"],
    after: ["!10.128.5.3"],
    want: [],
  },
  {
    why: "TCP connections to an endpoint that is gone are forgotten",
    change: {},
    before: ["10.128.5.2", "!10.128.5.3"],
    after: ["10.128.5.2"],
    want: [{ protocol: "tcp", endpoint: "10.128.5.3" }],
  },
  {
    why: "TCP connections to an endpoint that is gone at once are forgotten, those that it has not answered even where another service has it",
    change: {},
    before: ["10.128.5.2", "10.128.5.3"],
    after: ["10.128.5.2"],
    want: [
      { protocol: "tcp", endpoint: "10.128.5.3" },
      { protocol: "tcp", endpoint: "10.128.5.3", endpointPort: 8080, isUnanswered: true },
    ],
  },
];
for (const { why, change, before, after, want } of flows) {
  test(why, () => {
    const proxy = state();
    proxy.update(networkMap(1, [], [web(before, change)]));
    expect(proxy.update(networkMap(2, [], [web(after, change)])).flows).toEqual(want);
  });
}

// Few addresses and ports, so that services clash often.
const policy = fc.constantFrom("Cluster", "Local");
const serviceArb: fc.Arbitrary<TestService> = fc.record({
  createdAt: fc.constantFrom("", "2026-01-31T12:00:00Z", "2026-01-31T12:00:01Z"),
  name: fc.constantFrom("a", "b", "c"),
  clusterIP: fc.constantFrom("10.96.1.1", "10.96.1.2", "None"),
  type: fc.constantFrom("NodePort", "LoadBalancer"),
  ports: fc.uniqueArray(
    fc.record({
      port: fc.constantFrom(80, 81),
      protocol: fc.constantFrom("TCP", "UDP"),
      name: fc.constantFrom("p", "q"),
      nodePort: fc.constantFrom(0, 30_001, 30_002),
    }),
    { maxLength: 2, selector: (port) => `${port.protocol}${port.port}` },
  ),
  // Pods of this node and of others in two zones, and hosts.
  endpoints: fc.uniqueArray(
    fc
      .integer({ min: 2, max: 9 })
      .map((at) => (at === 9 ? "192.168.9.9" : `10.128.${at % 2 === 0 ? 4 : 5}.${at}%z${at % 3}`)),
    { maxLength: 5 },
  ),
  announced: fc.uniqueArray(fc.constantFrom("203.0.113.1", "203.0.113.2"), { maxLength: 2 }),
  spec: fc.record({
    sessionAffinity: fc.constantFrom("None", "ClientIP"),
    externalIPs: fc.uniqueArray(fc.constantFrom("203.0.113.2", "203.0.113.3"), { maxLength: 2 }),
    internalTrafficPolicy: policy,
    externalTrafficPolicy: policy,
    loadBalancerSourceRanges: fc.array(fc.constantFrom("192.0.2.0/24", "192.0.2.7/32", "0.0.0.0/0", "nonsense"), {
      maxLength: 3,
    }),
    trafficDistribution: fc.constantFrom("", "PreferClose", "PreferSameNode"),
  }),
});
const mapArb = fc
  .tuple(
    fc.uniqueArray(serviceArb, { selector: (service) => service.name, maxLength: 3 }),
    fc.constantFrom("", "z1", "z2"),
  )
  .map(([services, zone]) => networkMap(1, [nodeObject(4, undefined, undefined, zone)], services));

test("after any sequence of maps the kernel holds exactly what is wanted, each update being one strict transaction", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(mapArb, { minLength: 1, maxLength: 6 }), async (maps) => {
      const hairpins = localPods();
      const proxy = new ProxyState(PROXY_SITE, hairpins);
      const kernel = new SimulatedKernel([]);
      await kernel.replaceRules(FRAME, []);
      for (const map of maps) await kernel.changeElements(proxy.update(map).elements());
      const wanted = [...proxy.elements(), ...hairpins.elements()];
      for (const element of wanted) expect(kernel.elementsIn(element.map).get(element.key)).toBe(element.value);
      for (const element of proxy.elements()) expect(proxy.wanted(element)).toBe(element.value);
      const held = RULE_MAPS.filter((each) => each !== "hairpins");
      expect(held.reduce((sum, map) => sum + kernel.elementsIn(map).size, 0)).toBe(proxy.elementCount);
      expect(kernel.elementsIn("hairpins").size).toBe(hairpins.size);
      expectEndpointsOf(proxy, maps.at(-1) as NetworkMap);
    }),
    { numRuns: 300 },
  );
});

/** Every front that no other service claims leads to its endpoints, whoever asks. */
function expectEndpointsOf(proxy: ProxyState, map: NetworkMap): void {
  const zone = map.nodes.get("node-4")?.metadata?.labels["topology.kubernetes.io/zone"] ?? "";
  const targets = [...map.services].flatMap(([key, service]) => {
    const slice = map.endpointSlices.get(`${key}-a`);
    return targetsOf(service, slice === undefined ? [] : [slice], { nodeName: "node-4", zone });
  });
  for (const target of targets) {
    const key = frontKey(target);
    if (targets.filter((each) => frontKey(each) === key).length > 1) continue;
    for (const { ip, port } of [...target.endpoints, ...(target.outside ?? [])])
      expect(proxy.leadsTo(key, `${ip} . ${port}`)).toBe(true);
    const services = target.kind === "node" ? "node-ports" : "services";
    expect(proxy.wanted({ map: services, key }) !== undefined).toBe(target.endpoints.length > 0);
  }
}
