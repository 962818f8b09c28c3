import fc from "fast-check";
import { expect, test } from "vitest";
import { networkMap, PROXY_SITE, type TestService } from "../../test/kit/network-world.js";
import { hairpins } from "./held-addresses.js";
import { ProxyState } from "./proxy-state.js";

const web = (endpoints: readonly string[], change: Partial<TestService> = {}): TestService => ({
  ...{ name: "web", clusterIP: "10.96.1.1", ports: [{ port: 80, targetPort: 8080 }], endpoints },
  ...change,
});
const state = (): ProxyState => new ProxyState(PROXY_SITE, hairpins());
const lines = (change: ReturnType<ProxyState["update"]>): string[] =>
  change.elements().map((each) => `${each.do} ${each.map} ${each.key} : ${each.value}`);

const claimed = "10.96.1.1 . tcp . 80";
const claimants = {
  old: web(["10.128.5.2"], { name: "b", createdAt: "2026-01-31T12:00:00Z" }),
  young: web(["10.128.5.3"], { name: "a", createdAt: "2026-01-31T12:00:01Z" }),
  twin: web(["10.128.5.4"], { name: "c", createdAt: "2026-01-31T12:00:00Z" }),
};

test("of two services with one address the older has it, whichever was known first, and the other gets it when that goes", () => {
  const { old, young } = claimants;
  for (const [first, second] of [
    [old, young],
    [young, old],
  ] as const) {
    const proxy = state();
    proxy.update(networkMap(1, [], [first]));
    expect(proxy.contestedServices).toEqual([]);
    proxy.update(networkMap(2, [], [first, second]));
    expect(proxy.contestedServices).toEqual(["default/a"]);
    expect(proxy.leadsTo(claimed, "10.128.5.2 . 8080")).toBe(true);
    proxy.update(networkMap(3, [], [young]));
    expect(proxy.contestedServices).toEqual([]);
    expect(proxy.leadsTo(claimed, "10.128.5.3 . 8080")).toBe(true);
  }
});

test("who loses an address to an older service that comes is led away from there in the same update, and keeps its own", () => {
  const proxy = state();
  const ports = [{ port: 53, protocol: "UDP" }];
  const spec = { externalIPs: ["203.0.113.1"] };
  const young = web(["10.128.5.3"], { ...claimants.young, clusterIP: "10.96.1.2", ports, spec });
  const old = web(["10.128.5.2"], { ...claimants.old, ports, spec });
  proxy.update(networkMap(1, [], [young]));
  const change = proxy.update(networkMap(2, [], [young, old]));
  expect(lines(change).filter((line) => line.includes("203.0.113.1"))).toEqual([
    "delete service-endpoints 203.0.113.1 . udp . 53 . 0 : 10.128.5.3 . 53",
    "add service-endpoints 203.0.113.1 . udp . 53 . 0 : 10.128.5.2 . 53",
  ]);
  expect(proxy.leadsTo("10.96.1.2 . udp . 53", "10.128.5.3 . 53")).toBe(true);
  expect(change.flows).toContainEqual({ protocol: "udp", sentTo: "203.0.113.1", sentToPort: 53 });
});

test("whatever was known in whatever order, the same services have what several want", () => {
  const arb = fc.array(fc.subarray([...Object.values(claimants)]), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(arb, (sequence) => {
      const [grown, fresh] = [state(), state()];
      for (const services of sequence) grown.update(networkMap(1, [], services));
      fresh.update(networkMap(1, [], sequence.at(-1) ?? []));
      expect([...grown.elements()]).toEqual([...fresh.elements()]);
      expect(grown.contestedServices).toEqual(fresh.contestedServices);
    }),
  );
});

test("an external address is one address however it is written", () => {
  const proxy = new ProxyState({ ...PROXY_SITE, family: "IPv6", podCIDR: "fd00:10:128:4::/64" }, hairpins());
  const spec = { clusterIPs: ["10.96.1.1", "fd00:10:96::1"], externalIPs: ["2001:DB8:0::1", "2001:db8::0001"] };
  const map = networkMap(1, [], [web(["fd00:10:128:5::2"], { spec })]);
  expect(lines(proxy.update(map)).filter((line) => /2001/i.test(line))).toEqual([
    "add service-endpoints 2001:db8::1 . tcp . 80 . 0 : fd00:10:128:5::2 . 8080",
    "add services 2001:db8::1 . tcp . 80 : goto pick-1",
  ]);
});
