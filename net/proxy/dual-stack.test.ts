import fc from "fast-check";
import { expect, test } from "vitest";
import { dualStack, networkMap, nodeObject, PROXY_SITE, type TestService } from "../../test/kit/network-world.js";
import { RULE_MAPS, type RuleFrame } from "../kernel/rules.js";
import { SimulatedKernel } from "../kernel/simulated-kernel.js";
import { hairpins as localPods } from "./held-addresses.js";
import { ProxyState } from "./proxy-state.js";

const FRAME: RuleFrame = {
  ...{ family: "IPv6", overlayDevice: "tallship0", vxlanPort: 4789, gateway: "fd00:10:128:4::1" },
  ...{ clusterCIDR: "fd00:10:128::/48", serviceCIDR: "fd00:10:96::/108", dnsAddress: "10.96.0.10" },
  affinitySeconds: [],
};
const web = (endpoints: readonly string[], change: Partial<TestService> = {}): TestService => ({
  ...{ name: "web", clusterIP: "10.96.1.1", endpoints },
  ...change,
});
const state = (): ProxyState => new ProxyState(PROXY_SITE, localPods());

test("of a service of both families each family's maps hold its own half, and clients of both keep their endpoints", () => {
  const both = web(["10.128.4.9", "fd00:10:128:4::a80:409", "fd00:10:128:5::a80:509"], {
    spec: { clusterIPs: ["10.96.1.1", "fd00:10:96::11"], sessionAffinity: "ClientIP" },
    ports: [{ port: 80, targetPort: 8080, nodePort: 30_080 }],
  });
  const map = networkMap(1, [nodeObject(4)], [both]);
  const { ipv6 } = dualStack(4);
  if (ipv6 === undefined) throw new Error("the test's nodes speak IPv6");
  const held = localPods();
  const six = new ProxyState({ ...PROXY_SITE, ...ipv6, family: "IPv6" }, held);
  six.update(map);
  const elements = [...six.elements()];
  expect(elements.filter(({ map: name }) => name === "services" || name === "node-ports")).toEqual([
    { map: "services", key: "fd00:10:96::11 . tcp . 80", value: "goto stick-128-10800" },
    { map: "node-ports", key: "tcp . 30080", value: "goto node-stick-128-10800" },
  ]);
  expect(elements.filter(({ map: name }) => name === "sticky-draws")).toHaveLength(128);
  expect(elements.filter(({ map: name }) => name === "sticky-endpoints")).toEqual([
    {
      map: "sticky-endpoints",
      key: "fd00:10:96::11 . tcp . 80 . 0x0a800409",
      value: "fd00:10:128:4::a80:409 . 8080",
    },
    {
      map: "sticky-endpoints",
      key: "fd00:10:96::11 . tcp . 80 . 0x0a800509",
      value: "fd00:10:128:5::a80:509 . 8080",
    },
  ]);
  expect([...held.elements()].map(({ key }) => key)).toEqual(["fd00:10:128:4::a80:409 . fd00:10:128:4::a80:409"]);
  for (const element of elements) expect(six.wanted(element)).toBe(element.value);
  const four = state();
  four.update(map);
  expect([...four.elements()].some(({ key, value }) => /fd00/.test(key + value))).toBe(false);
});

test("of IPv6 too the kernel holds exactly what is wanted after any sequence of maps", async () => {
  const { ipv6 } = dualStack(4);
  const site = { ...PROXY_SITE, ...ipv6, family: "IPv6" as const };
  const some = fc
    .uniqueArray(fc.integer({ min: 1, max: 6 }), { maxLength: 6 })
    .map((lasts) => lasts.map((last) => `fd00:10:128:${last % 2 === 0 ? 4 : 5}::a80:${last}`));
  const sixArb = fc.record({
    name: fc.constantFrom("a", "b", "c"),
    clusterIP: fc.constantFrom("fd00:10:96::1", "fd00:10:96::2"),
    ports: fc.constantFrom([{ port: 80, nodePort: 30_080 }], [{ port: 80 }, { port: 80, protocol: "UDP" }]),
    endpoints: some,
    announced: fc.constantFrom([], ["2001:db8::5"]),
    type: fc.constantFrom("ClusterIP", "LoadBalancer"),
    spec: fc.record({
      sessionAffinity: fc.constantFrom("None", "ClientIP"),
      externalTrafficPolicy: fc.constantFrom("", "Local"),
      loadBalancerSourceRanges: fc.array(fc.constantFrom("2001:db8::/32", "2001:db8::7", "::/0", "192.0.2.0/24"), {
        maxLength: 3,
      }),
    }),
  });
  const maps = fc.array(fc.uniqueArray(sixArb, { selector: ({ name }) => name, maxLength: 3 }), {
    minLength: 1,
    maxLength: 5,
  });
  await fc.assert(
    fc.asyncProperty(maps, async (sequence) => {
      const held = localPods();
      const proxy = new ProxyState(site, held);
      const kernel = new SimulatedKernel([]).ipv6;
      await kernel.replaceRules(FRAME, []);
      for (const services of sequence)
        await kernel.changeElements(proxy.update(networkMap(1, [nodeObject(4)], services)).elements());
      for (const element of proxy.elements()) {
        expect(kernel.elementsIn(element.map).get(element.key)).toBe(element.value);
        expect(proxy.wanted(element)).toBe(element.value);
      }
      const total = RULE_MAPS.filter((each) => each !== "hairpins").reduce(
        (sum, map) => sum + kernel.elementsIn(map).size,
        0,
      );
      expect(total).toBe(proxy.elementCount);
      expect(kernel.elementsIn("hairpins").size).toBe(held.size);
    }),
    { numRuns: 150 },
  );
});
