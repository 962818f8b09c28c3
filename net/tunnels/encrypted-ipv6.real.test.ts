import { afterAll, beforeAll, expect, test } from "vitest";
import {
  addressesOnWire,
  askFrom,
  briefly,
  captured,
  keysChanged,
  keysExchanged,
  makeEncryptedLab,
  pingsAnswered,
  TURN_MS,
} from "../../test/kit/encrypted-lab.js";
import type { Lab, LabPod } from "../../test/kit/network-lab.js";
import { dualStack, networkObject } from "../../test/kit/network-world.js";
import { waitFor } from "../../test/kit/wait.js";
import { tunnelDevice } from "../device-names.js";
import { podIpv6 } from "../ipv6.js";

// A cluster of both families that is encrypted as a whole, with a network beside its own; what its pods say to each other by IPv6.
let lab: Lab;
let near: LabPod;
let far: LabPod;
let backNear: LabPod;
let backFar: LabPod;
const NEAR = podIpv6("fd00:10:128:1::/64", "10.128.1.9");
const FAR = podIpv6("fd00:10:128:2::/64", "10.128.2.9");
const BACK_NEAR = podIpv6("fd00:64:1::/64", "10.64.1.2");
const BACK_FAR = podIpv6("fd00:64:1::/64", "10.64.1.66");
const VIP = "fd00:10:96::50";
const web = {
  ...{ name: "web", type: "NodePort", clusterIP: VIP, endpoints: [FAR] },
  ports: [{ port: 80, targetPort: 8080, nodePort: 30_080 }],
};

beforeAll(async () => {
  lab = await makeEncryptedLab(3, (at) => ({ encrypted: true, ...dualStack(at) }));
  for (const { namespace, at } of lab.hosts) await namespace.run(`ip address add 2001:db8:9::${at}/64 dev eth0 nodad`);
  await lab.outside.run("ip address add 2001:db8:9::64/64 dev eth0 nodad");
  lab.setNetworks([networkObject("back", { vni: 5000, subnets: ["10.64.1.0/24", "fd00:64:1::/64"] }, 1)]);
  await keysExchanged(lab);
  near = await lab.host(1).pod("near", 9);
  // Its answers bear its name: that is what a capture looks for.
  far = await lab.host(2).pod("MARKER-far", 9);
  backNear = await lab.host(1).podOn("back-near", ["10.64.1.2"]);
  backFar = await lab.host(2).podOn("MARKER-back", ["10.64.1.66"]);
  for (const { probe } of [near, far, backNear, backFar])
    for (const protocol of ["tcp", "udp"] as const) await probe.serve(protocol, 8080, "::");
}, TURN_MS);
afterAll(() => lab.dispose());

test("a capture on the link shows nothing of what pods and hosts say to pods by IPv6, on whatever network, by address or by service", async () => {
  await lab.setServices([web]);
  const bytes = await captured(lab.host(1), async () => {
    for (const protocol of ["tcp", "udp"] as const) {
      expect(await askFrom(near, FAR, { protocol })).toBe(`MARKER-far ${NEAR}`);
      expect(await askFrom(backNear, BACK_FAR, { protocol })).toBe(`MARKER-back ${BACK_NEAR}`);
      expect(await askFrom(backFar, BACK_NEAR, { protocol })).toBe(`back-near ${BACK_FAR}`);
    }
    expect(await near.probe.ask({ host: VIP, port: 80 })).toBe(`MARKER-far ${NEAR}`);
    for (const [host, port] of [
      [FAR, 8080],
      [VIP, 80],
    ] as const)
      expect(await lab.host(1).probe.ask({ host, port })).toBe("MARKER-far fd00:10:128:1::1");
    expect(await lab.host(1).probe.ask({ host: BACK_FAR, port: 8080 })).toBe("MARKER-back fd00:64:1::a40:101");
  });
  expect(bytes.length).toBeGreaterThan(500);
  for (const plain of ["MARKER", addressesOnWire(NEAR, FAR), addressesOnWire(BACK_NEAR, BACK_FAR)])
    expect(bytes).not.toContain(plain);
});

test("networks are apart by IPv6, and a host without pods of one reaches it from its end of the tunnels", async () => {
  expect(await askFrom(near, BACK_FAR, briefly)).toBe("TIMEOUT");
  expect(await askFrom(backNear, FAR, briefly)).toBe("TIMEOUT");
  expect(await lab.host(3).probe.ask({ host: BACK_FAR, port: 8080 })).toBe(
    "MARKER-back fd00:10:128:3:ffff:ffff:ffff:ffff",
  );
});

test("a datagram of exactly the MTU crosses whole, both ways, and a long stream is never cut into fragments", async () => {
  // 1500 less WireGuard's 60, less the headers of IPv6 and UDP.
  expect(await askFrom(near, FAR, { protocol: "udp", bytes: 1_392 })).toBe(`MARKER-far ${NEAR}`);
  expect(await askFrom(backNear, BACK_FAR, { protocol: "udp", bytes: 1_392 })).toBe(`MARKER-back ${BACK_NEAR}`);
  expect(await askFrom(backFar, BACK_NEAR, { protocol: "udp", bytes: 1_392 })).toBe(`back-near ${BACK_FAR}`);
  expect(await askFrom(near, FAR, { bytes: 300_000 })).toBe(`MARKER-far ${NEAR}`);
  const counters = await near.inside("nstat -asz Ip6FragCreates Ip6ReasmReqds | grep Ip6");
  expect(counters.match(/\s(\d+)\s/g)?.map(Number)).toEqual([0, 0]);
});

test("strangers come in by any host's node port, and nobody comes in by VXLAN", async () => {
  await lab.setServices([web]);
  for (const at of [1, 2, 3])
    expect(await lab.stranger.ask({ host: `2001:db8:9::${at}`, port: 30_080 })).toMatch(/^MARKER-far/);
  for (const set of ["tunnels-ipv6", "entry-ends-ipv6"])
    expect(await lab.host(1).namespace.run(`nft list set inet tallship-firewall ${set}`)).not.toContain("elements");
});

test("without a tunnel nothing leaves in plain text, whatever routes say, and it comes back", async () => {
  const { namespace, network } = lab.host(1);
  const astray = ["fd00:10:128:2::/64", "fd00:64:1::a40:140/122"].map((to) => `${to} via 2001:db8:9::2 dev eth0`);
  const routes = (act: string): string =>
    astray.map((route) => `ip -6 route ${act} ${route} 2>/dev/null || true`).join("; ");
  const bytes = await captured(lab.host(1), async () => {
    await namespace.run(`ip link delete ${tunnelDevice("node-1", 1)}; ${routes("replace")}`);
    // Until the next check mends it, which may be soon, nothing is answered.
    for (const protocol of ["udp", "tcp"] as const) {
      expect(await askFrom(near, FAR, { protocol, ...briefly })).toMatch(/^(TIMEOUT|MARKER-far .*)$/);
      expect(await askFrom(backNear, BACK_FAR, { protocol, ...briefly })).toMatch(/^(TIMEOUT|MARKER-back .*)$/);
    }
    await lab.host(1).probe.ask({ host: FAR, port: 8080, timeoutMs: 300 });
  });
  for (const plain of ["MARKER", addressesOnWire(NEAR, FAR), addressesOnWire(BACK_NEAR, BACK_FAR)])
    expect(bytes).not.toContain(plain);
  await namespace.run(routes("delete"));
  await lab.setServices([]);
  await network.repair();
  await waitFor("the tunnel is back", async () => (await askFrom(near, FAR)).startsWith("MARKER"));
  expect(await askFrom(backNear, BACK_FAR)).toBe(`MARKER-back ${BACK_NEAR}`);
});

test("what somebody deletes is put back, and a new agent interrupts nothing", async () => {
  expect(
    await lab.host(1).damage("ip -6 route flush proto 84; nft delete table ip6 tallship-firewall"),
  ).toBeGreaterThan(0);
  expect(await askFrom(near, FAR)).toBe(`MARKER-far ${NEAR}`);
  await near.probe.open({ host: FAR, port: 8080 });
  await lab.host(1).restart();
  expect(await near.probe.talk()).toBe("TALKED");
  await keysExchanged(lab);
  expect(await near.probe.talk()).toBe("TALKED");
  expect(await lab.host(1).network.repair()).toBe(0);
});

test("keys are changed on all hosts while packets of IPv6 flow, and none is lost", async () => {
  const answered = await pingsAnswered(near, FAR, () => keysChanged(lab, FAR));
  expect(await askFrom(near, FAR)).toBe(`MARKER-far ${NEAR}`);
  // The last were on their way when it was told to stop: without a gap before them none was lost.
  expect(answered.length).toBeGreaterThan(20);
  expect(answered).toEqual(answered.map((_, at) => at + 1));
});
