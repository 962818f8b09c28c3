import { expect, test } from "vitest";
import { metaOf } from "../../kinds/object.js";
import { EndpointSlice } from "../../proto/gen/tallship/v1/endpointslice.js";
import { serviceObject, sliceObject, type TestService } from "../../test/kit/network-world.js";
import { targetsOf } from "./service-targets.js";

const HERE = { nodeName: "node-5", zone: "a" };
const web: TestService = {
  name: "web",
  clusterIP: "10.96.1.1",
  ports: [
    { name: "http", port: 80, targetPort: 8080 },
    { name: "dns", port: 53, protocol: "UDP" },
  ],
  endpoints: ["10.128.5.3", "10.128.5.2"],
};
const endpointsOf = (service: TestService): string[] =>
  targetsOf(serviceObject(service), [sliceObject(service)], HERE).map(
    ({ protocol, port, endpoints }) =>
      `${protocol} ${port}: ${endpoints.map((each) => `${each.ip}:${each.port}`).join(" ")}`,
  );

test("each port leads to the ready endpoints' port of the same name, in order of address", () => {
  expect(endpointsOf(web)).toEqual(["tcp 80: 10.128.5.2:8080 10.128.5.3:8080", "udp 53: 10.128.5.2:53 10.128.5.3:53"]);
});

// Which endpoints get new connections.
const choices = [
  { why: "those that are not ready do not", endpoints: ["10.128.5.2", "-10.128.5.3"], want: "10.128.5.2:8080" },
  {
    why: "those that are going do not while others are ready",
    endpoints: ["10.128.5.2", "!10.128.5.3"],
    want: "10.128.5.2:8080",
  },
  {
    why: "those that are going but serve do when no other is left",
    endpoints: ["-10.128.5.2", "!10.128.5.3"],
    want: "10.128.5.3:8080",
  },
  { why: "nobody does when none serves", endpoints: ["-10.128.5.2"], want: "" },
  { why: "malformed addresses never do", endpoints: ["10.128.5.2; flush", "10.128.5.300"], want: "" },
  {
    why: "those that mean the node itself or its link never do",
    endpoints: ["127.0.0.1", "0.0.0.0", "169.254.169.254", "224.0.0.1", "10.128.5.2"],
    want: "10.128.5.2:8080",
  },
  { why: "doubles count once", endpoints: ["10.128.5.2", "10.128.5.2"], want: "10.128.5.2:8080" },
];
for (const { why, endpoints, want } of choices) {
  test(`of a service's endpoints ${why}`, () => {
    expect(endpointsOf({ ...web, endpoints })[0]).toBe(`tcp 80: ${want}`);
  });
}

// What is asked for of the endpoints, and which of them get new connections on node-5 in zone a.
const reaches = [
  { why: "any", spec: {}, endpoints: ["10.128.5.2%a", "10.128.6.2%b"], want: ["10.128.5.2", "10.128.6.2"] },
  {
    why: "those of the zone",
    spec: { trafficDistribution: "PreferClose" },
    endpoints: ["10.128.6.2%b", "10.128.7.2%a"],
    want: ["10.128.7.2"],
  },
  {
    why: "any, when the zone has none that is ready",
    spec: { trafficDistribution: "PreferSameZone" },
    endpoints: ["-10.128.7.2%a", "10.128.6.2%b"],
    want: ["10.128.6.2"],
  },
  {
    why: "those of the node, before those of the zone",
    spec: { trafficDistribution: "PreferSameNode" },
    endpoints: ["10.128.5.2%a", "10.128.7.2%a"],
    want: ["10.128.5.2"],
  },
  {
    why: "those of the zone, when the node has none",
    spec: { trafficDistribution: "PreferSameNode" },
    endpoints: ["10.128.6.2%b", "10.128.7.2%a"],
    want: ["10.128.7.2"],
  },
  {
    why: "those of the node alone",
    spec: { internalTrafficPolicy: "Local" },
    endpoints: ["10.128.5.2", "10.128.6.2"],
    want: ["10.128.5.2"],
  },
  {
    why: "one of the node that is going, before any of another",
    spec: { internalTrafficPolicy: "Local" },
    endpoints: ["!10.128.5.2", "10.128.6.2"],
    want: ["10.128.5.2"],
  },
  {
    why: "none, when the node has none",
    spec: { internalTrafficPolicy: "Local" },
    endpoints: ["10.128.6.2"],
    want: [],
  },
];
// Whether the older annotations have endpoints of node-5's zone preferred.
const hints: readonly { readonly annotations: Readonly<Record<string, string>>; readonly isNear: boolean }[] = [
  { annotations: { "service.kubernetes.io/topology-mode": "Auto" }, isNear: true },
  { annotations: { "service.kubernetes.io/topology-aware-hints": "auto" }, isNear: true },
  { annotations: { "service.kubernetes.io/topology-mode": "Disabled" }, isNear: false },
  {
    annotations: {
      "service.kubernetes.io/topology-mode": "disabled",
      "service.kubernetes.io/topology-aware-hints": "auto",
    },
    isNear: false,
  },
  { annotations: {}, isNear: false },
];
for (const { annotations, isNear } of hints) {
  test(`annotations ${JSON.stringify(annotations)} ${isNear ? "prefer" : "do not prefer"} endpoints of the zone`, () => {
    const asked: TestService = { ...web, endpoints: ["10.128.6.2%b", "10.128.7.2%a"] };
    const service = serviceObject(asked);
    const annotated = { ...service, metadata: { ...metaOf(service), annotations } };
    const [target] = targetsOf(annotated, [sliceObject(asked)], HERE);
    expect(target?.endpoints.map(({ ip }) => ip)).toEqual(isNear ? ["10.128.7.2"] : ["10.128.6.2", "10.128.7.2"]);
  });
}

for (const { why, spec, endpoints, want } of reaches) {
  test(`${JSON.stringify(spec)} leads to ${why}`, () => {
    const [target] = targetsOf(serviceObject({ ...web, spec }), [sliceObject({ ...web, endpoints })], HERE);
    expect(target?.endpoints.map(({ ip }) => ip)).toEqual(want);
  });
}

// Services without a virtual address of their own.
const addressless: readonly Partial<TestService>[] = [
  { clusterIP: "None" },
  { clusterIP: "" },
  { clusterIP: "10.96.1.1; flush ruleset" },
  { type: "ExternalName", externalName: "example.com" },
];
for (const change of addressless) {
  test(`a service with ${JSON.stringify(change)} has no targets`, () => {
    expect(endpointsOf({ ...web, ...change })).toEqual([]);
  });
}

test("slices of other families and ports of other protocols are not mixed in", () => {
  const slice = sliceObject({ ...web, ports: [{ name: "http", port: 80, protocol: "UDP" }] });
  const six = EndpointSlice.fromPartial({ ...sliceObject(web), addressType: "IPv6" });
  expect(targetsOf(serviceObject(web), [slice, six], HERE).map((target) => target.endpoints)).toEqual([[], []]);
});

test("each address leads to the pods that are on its network, by their address there; node ports lead to all", () => {
  const service = serviceObject({
    ...web,
    ports: [{ name: "http", port: 80, targetPort: 8080, nodePort: 30_080 }],
    networkAddresses: { front: "10.96.1.1", back: "10.96.1.7" },
  });
  const endpoints = ["10.64.0.2+front=10.64.0.2+back=10.64.1.2", "10.64.1.3+back=10.64.1.3"];
  const targets = targetsOf(service, [sliceObject({ ...web, endpoints })], HERE);
  expect(targets.map(({ kind, ip, endpoints }) => [kind, ip, endpoints.map((each) => each.ip)])).toEqual([
    ["cluster", "10.96.1.1", ["10.64.0.2"]],
    ["cluster", "10.96.1.7", ["10.64.1.2", "10.64.1.3"]],
    ["node", "", ["10.64.0.2", "10.64.1.3"]],
  ]);
});

test("of both families each further address leads by its own, and the service's own address to the network that it is for", () => {
  const ports = [{ name: "http", port: 80, targetPort: 8080 }];
  const service = serviceObject({
    ...{ ...web, ports },
    spec: { clusterIPs: ["10.96.1.1", "fd00:10:96::1"] },
    networkAddresses: { front: ["10.96.1.1", "fd00:10:96::1"], back: ["10.96.1.7", "fd00:10:96::7"] },
  });
  const endpoints = [
    "10.64.0.2+front=10.64.0.2+back=10.64.1.2",
    "fd00:64::2+front=fd00:64::2+back=fd00:65::2",
    "10.64.1.3+back=10.64.1.3",
    "fd00:65::3+back=fd00:65::3",
  ];
  const world = { ...web, ports, endpoints };
  const slices = [sliceObject(world), sliceObject(world, "IPv6")];
  const led = (family: "IPv4" | "IPv6") =>
    targetsOf(service, slices, { ...HERE, family }).map(({ ip, endpoints: to }) => [ip, to.map((each) => each.ip)]);
  expect(led("IPv4")).toEqual([
    ["10.96.1.1", ["10.64.0.2"]],
    ["10.96.1.7", ["10.64.1.2", "10.64.1.3"]],
  ]);
  expect(led("IPv6")).toEqual([
    ["fd00:10:96::1", ["fd00:64::2"]],
    ["fd00:10:96::7", ["fd00:65::2", "fd00:65::3"]],
  ]);
});

test("of pods on a network that is each node's own, a node leads to its own pods alone, from inside and from outside", () => {
  const service = serviceObject({ ...web, ports: [{ name: "http", port: 80, targetPort: 8080, nodePort: 30_080 }] });
  // The node of an endpoint follows from its address: this one's is node-5.
  const endpoints = ["10.128.5.2+bridge=10.128.5.2", "10.128.6.2+bridge=10.128.6.2", "10.128.6.3+back=10.128.6.3"];
  const targets = targetsOf(service, [sliceObject({ ...web, endpoints })], HERE);
  expect(targets.map((target) => target.endpoints.map(({ ip }) => ip))).toEqual([
    ["10.128.5.2", "10.128.6.3"],
    ["10.128.5.2", "10.128.6.3"],
  ]);
});
