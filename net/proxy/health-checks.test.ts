import { expect, test } from "vitest";
import { ObjectReference } from "../../proto/gen/tallship/v1/meta.js";
import { networkMap, nodeObject, type TestService } from "../../test/kit/network-world.js";
import { healthChecksOf } from "./health-checks.js";

const web = (change: Partial<TestService> = {}, spec: TestService["spec"] = {}): TestService => ({
  name: "web",
  type: "LoadBalancer",
  ports: [
    { name: "a", port: 80 },
    { name: "b", port: 81 },
  ],
  endpoints: ["10.128.4.2"],
  ...change,
  spec: { externalTrafficPolicy: "Local", healthCheckNodePort: 31_000, ...spec },
});

// An endpoint of two ports is one; who does not listen to load balancers is not asked about.
const rows = [
  { what: "an endpoint here", services: [web()], want: [[31_000, "web", 1]] },
  { what: "endpoints elsewhere", services: [web({ endpoints: ["10.128.5.2"] })], want: [[31_000, "web", 0]] },
  { what: "no endpoints at all", services: [web({ endpoints: [] })], want: [[31_000, "web", 0]] },
  {
    what: "one that is not ready",
    services: [web({ endpoints: ["-10.128.4.2", "10.128.4.3"] })],
    want: [[31_000, "web", 1]],
  },
  {
    what: "an endpoint of IPv6 alone",
    services: [web({ endpoints: ["fd00:10:128:4::2", "fd00:10:128:5::2"] })],
    want: [[31_000, "web", 1]],
  },
  { what: "policy Cluster", services: [web({}, { externalTrafficPolicy: "Cluster" })], want: [] },
  { what: "type NodePort", services: [web({ type: "NodePort" })], want: [] },
  { what: "no port", services: [web({}, { healthCheckNodePort: 0 })], want: [] },
  { what: "a port claimed twice", services: [web({ name: "z", endpoints: [] }), web()], want: [[31_000, "web", 1]] },
];
for (const { what, services, want } of rows)
  test(`what load balancers are told: ${what}`, () => {
    const checks = healthChecksOf(networkMap(1, [nodeObject(4)], services), "node-4");
    expect(checks.map(({ port, name, localEndpoints }) => [port, name, localEndpoints])).toEqual(want);
  });

test("a pod of both families is one endpoint", () => {
  const map = networkMap(1, [nodeObject(4)], [web({ endpoints: ["10.128.4.2", "fd00:10:128:4::2"] })]);
  const targetRef = ObjectReference.fromPartial({ kind: "Pod", uid: "one" });
  const endpointSlices = new Map(
    [...map.endpointSlices].map(([key, slice]) => [
      key,
      { ...slice, endpoints: slice.endpoints.map((endpoint) => ({ ...endpoint, targetRef })) },
    ]),
  );
  expect(healthChecksOf({ ...map, endpointSlices }, "node-4").map((each) => each.localEndpoints)).toEqual([1]);
});
