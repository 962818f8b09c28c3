import { afterAll, beforeAll, expect, test } from "vitest";
import { Network } from "../../proto/gen/tallship/v1/network.js";
import { addressesOnWire, captured, keysExchanged, makeEncryptedLab, TURN_MS } from "../../test/kit/encrypted-lab.js";
import { vxlanDatagram } from "../../test/kit/forged.js";
import type { Lab, LabPod } from "../../test/kit/network-lab.js";
import { dualStack, networkObject } from "../../test/kit/network-world.js";
import { PolicyWorld } from "../../test/kit/policy-world.js";
import { waitFor } from "../../test/kit/wait.js";
import { networkDevice, tunnelDevice, vtepMac } from "../device-names.js";
import { podIpv6 } from "../ipv6.js";

// Three hosts of both families, of which the third has pods of no network. Of the networks beside the cluster's own back, inner and wide go between hosts,
// inner has no way out, side is each host's alone, safe goes through encrypted tunnels, and plain has addresses of IPv4 only.
const RANGES = {
  back: "fd00:64:1::/64",
  inner: "fd00:64:2::/96",
  side: "fd00:64:3::/80",
  wide: "2001:db8:64::/48",
  safe: "fd00:64:7::/64",
} as const;
let lab: Lab;
let own: LabPod;
let near: LabPod;
let far: LabPod;
let both: LabPod;
let inner: LabPod;
let innerFar: LabPod;
let side: LabPod;
let sideNear: LabPod;
let sideFar: LabPod;
let wide: LabPod;
let safe: LabPod;
let safeFar: LabPod;

const network = (name: keyof typeof RANGES, third: number, spec: Parameters<typeof networkObject>[1]) =>
  networkObject(name, { ...spec, subnets: [`10.64.${third}.0/24`, RANGES[name]] }, third);
/** The address of IPv6 that goes with one of IPv4. */
const six = (name: keyof typeof RANGES, address: string): string => podIpv6(RANGES[name], address);
const ownSix = ({ address }: LabPod): string => podIpv6(`fd00:10:128:${address.split(".")[2]}::/64`, address);

beforeAll(async () => {
  lab = await makeEncryptedLab(3, dualStack);
  lab.setNetworks([
    network("back", 1, { vni: 5000 }),
    network("inner", 2, { vni: 5001, internal: true }),
    network("side", 3, { driver: "bridge" }),
    network("wide", 4, { vni: 5002 }),
    network("safe", 7, { encrypted: true }),
    networkObject("plain", { vni: 5003 }, 5),
  ]);
  await keysExchanged(lab);
  own = await lab.host(1).pod("own", 9);
  near = await lab.host(1).podOn("near", ["10.64.1.2"]);
  far = await lab.host(2).podOn("far", ["10.64.1.66"]);
  both = await lab.host(1).podOn("both", ["10.128.1.20", "10.64.1.3", "10.64.5.2"]);
  inner = await lab.host(1).podOn("inner", ["10.64.2.2"]);
  innerFar = await lab.host(2).podOn("inner-far", ["10.64.2.66"]);
  side = await lab.host(1).podOn("side", ["10.64.3.2"]);
  sideNear = await lab.host(1).podOn("side-near", ["10.64.3.3"]);
  sideFar = await lab.host(2).podOn("side-far", ["10.64.3.66"]);
  wide = await lab.host(2).podOn("wide", ["10.64.4.66"]);
  safe = await lab.host(1).podOn("safe", ["10.64.7.2"]);
  // Its answers bear its name: that is what a capture looks for.
  safeFar = await lab.host(2).podOn("MARKER-safe", ["10.64.7.66"]);
  for (const { probe } of [own, near, far, both, inner, innerFar, side, sideNear, sideFar, wide, safe, safeFar]) {
    await probe.serve("tcp", 8080, "::");
    await probe.serve("udp", 8080, "::");
  }
  await lab.stranger.serve("tcp", 8080, "::");
  for (const host of lab.hosts) {
    await host.namespace.run(`ip address replace 2001:db8:9::${host.at}/64 dev eth0 nodad`);
    await host.network.repair();
  }
  await lab.outside.run("ip address replace 2001:db8:9::64/64 dev eth0 nodad");
}, TURN_MS);
afterAll(() => lab.dispose());

/** Long enough where no answer is wanted. */
const briefly = { timeoutMs: 500 };
const ask = (from: Pick<LabPod, "probe">, host: string, more: object = {}): Promise<string> =>
  from.probe.ask({ host, port: 8080, ...more });

test("pods of a network reach each other by both families, on one host and between hosts, both ways, by TCP and UDP at exactly the MTU", async () => {
  for (const protocol of ["tcp", "udp"] as const) {
    expect(await ask(near, six("back", far.address), { protocol })).toBe(`far ${six("back", near.address)}`);
    expect(await ask(far, six("back", near.address), { protocol })).toBe(`near ${six("back", far.address)}`);
    expect(await ask(near, far.address, { protocol })).toBe(`far ${near.address}`);
  }
  expect(await ask(near, six("back", "10.64.1.3"))).toBe(`both ${six("back", near.address)}`);
  expect(await ask(innerFar, six("inner", inner.address))).toBe(`inner ${six("inner", innerFar.address)}`);
  // MTU 1500 - 50, less the headers of IPv6 and UDP.
  const most = { protocol: "udp", bytes: 1_402 } as const;
  expect(await ask(near, six("back", far.address), most)).toBe(`far ${six("back", near.address)}`);
  expect(await ask(far, six("back", near.address), most)).toBe(`near ${six("back", far.address)}`);
  expect(await ask(near, six("back", far.address), { bytes: 3_000_000 })).toBe(`far ${six("back", near.address)}`);
  const counters = await near.inside("nstat -asz Ip6FragCreates Ip6ReasmReqds | grep Ip6");
  expect(counters.match(/\s(\d+)\s/g)?.map(Number)).toEqual([0, 0]);
});

test("a pod on several networks is on each by the address there, and has none of IPv6 where a network has none", async () => {
  expect(await ask(both, six("back", far.address))).toBe(`far ${six("back", "10.64.1.3")}`);
  expect(await ask(far, six("back", "10.64.1.3"))).toBe(`both ${six("back", far.address)}`);
  expect(await ask(both, ownSix(own))).toBe(`own ${ownSix(both)}`);
  expect(await both.inside("ip -6 -o address show dev eth2")).toBe("");
  expect(lab.host(1).network.ipv6Of("10.64.1.3")).toBe("fd00:64:1::a40:103");
  expect(lab.host(1).network.ipv6Of("10.64.5.2")).toBeUndefined();
});

// Who asks whom, of another network.
const strangers = [
  ["a pod of the cluster's own asks one of a network", () => own, () => six("back", near.address)],
  ["a pod of a network asks one of the cluster's own", () => near, () => ownSix(own)],
  ["across hosts", () => far, () => ownSix(own)],
  ["of another network", () => near, () => six("inner", inner.address)],
  ["of an internal network asks outwards, across hosts", () => innerFar, () => six("back", near.address)],
  ["of a bridge network", () => side, () => six("back", near.address)],
  ["across hosts, of another network", () => near, () => six("wide", wide.address)],
  ["of an encrypted network", () => near, () => six("safe", safeFar.address)],
  ["of an encrypted network asks outwards, across hosts", () => safe, () => six("back", far.address)],
] as const;
for (const [name, from, to] of strangers)
  test(`networks are apart by IPv6: ${name}`, async () => {
    for (const protocol of ["tcp", "udp"] as const)
      expect(await ask(from(), to(), { protocol, ...briefly })).toBe("TIMEOUT");
  });

test("a bridge network is its host's alone by IPv6 too", async () => {
  expect(await ask(side, six("side", sideNear.address))).toBe(`side-near ${six("side", side.address)}`);
  expect(await ask(side, six("side", sideFar.address))).toBe("ENETUNREACH");
});

test("networks with a way out reach strangers under the host's address, an internal one does not; hosts reach all, with pods of theirs or without", async () => {
  expect(await ask(near, "2001:db8:9::64")).toBe("stranger 2001:db8:9::1");
  expect(await ask(side, "2001:db8:9::64")).toBe("stranger 2001:db8:9::1");
  expect(await ask(inner, "2001:db8:9::64", briefly)).toBe("TIMEOUT");
  expect(await ask(lab.host(1), six("back", near.address))).toBe("near fd00:64:1::a40:101");
  expect(await ask(lab.host(1), six("back", far.address))).toBe("far fd00:64:1::a40:101");
  expect(await ask(lab.host(1), six("inner", inner.address))).toMatch(/^inner /);
  expect(await ask(lab.host(3), six("back", far.address))).toBe("far fd00:10:128:3::1");
  expect(await ask(lab.host(3), six("inner", innerFar.address))).toMatch(/^inner-far /);
});

test("services lead to pods of networks by IPv6: for their own pods, for pods that have joined, and for strangers", async () => {
  const port = { port: 80, targetPort: 8080, nodePort: 30_080 };
  const spec = { clusterIPs: ["10.96.0.50", "fd00:10:96::50"] };
  const endpoints = [far.address, six("back", far.address)];
  await lab.setServices([{ name: "web", type: "NodePort", clusterIP: "10.96.0.50", spec, ports: [port], endpoints }]);
  const service = { host: "fd00:10:96::50", port: 80 };
  expect(await near.probe.ask(service)).toBe(`far ${six("back", near.address)}`);
  expect(await both.probe.ask(service)).toBe(`far ${six("back", "10.64.1.3")}`);
  expect(await own.probe.ask({ ...service, ...briefly })).toBe("TIMEOUT");
  for (const at of [1, 2, 3])
    expect(await lab.stranger.ask({ host: `2001:db8:9::${at}`, port: 30_080 })).toMatch(/^far /);
  await lab.setServices([]);
});

test("hosts are answered by pods on networks that are not their first: on a bridge network their own host, on an encrypted one all", async () => {
  const aside = await lab.host(2).podOn("aside", ["10.128.2.30", "10.64.7.70", "10.64.3.70"]);
  await aside.probe.serve("tcp", 8080, "::");
  for (const host of lab.hosts)
    for (const to of ["10.64.7.70", six("safe", "10.64.7.70")])
      expect(await host.probe.ask({ host: to, port: 8080 })).toMatch(/^aside (10\.64\.7\.|fd00:64:7::)/);
  expect(await lab.host(2).probe.ask({ host: "10.64.3.70", port: 8080 })).toBe("aside 10.64.3.65");
  await lab.host(2).network.detach(["aside"]);
});

const received = async (pod: LabPod): Promise<number> =>
  Number(/Udp6InDatagrams\s+(\d+)/.exec(await pod.inside("nstat -asz Udp6InDatagrams"))?.[1]);

test("a pod gets no packet out under an address of IPv6 that is not its own, on whatever network", async () => {
  const before = await received(far);
  for (const from of [six("back", near.address), six("back", "10.64.1.9"), six("inner", "10.64.1.3"), "2001:db8::9"]) {
    await both.inside(`ip address add ${from}/128 dev eth1 nodad`);
    for (const protocol of ["tcp", "udp"] as const)
      expect(await ask(both, six("back", far.address), { protocol, from, timeoutMs: 300 })).toBe("TIMEOUT");
    await both.inside(`ip address delete ${from}/128 dev eth1`);
  }
  expect(await received(far)).toBe(before);
  expect(await ask(both, six("back", far.address))).toBe(`far ${six("back", "10.64.1.3")}`);
});

test("a packet of an overlay is taken from the host that has its sender's share, all 128 bits of it, and from no other", async () => {
  const send = (from: "peer" | "stranger", source: string, vni = 5000): Promise<string> =>
    (from === "peer" ? lab.host(2).probe : lab.stranger).exchange({
      protocol: "udp",
      host: lab.host(1).address,
      port: 4789,
      hex: vxlanDatagram({
        ...{ vni, toMac: vtepMac("node-1"), fromMac: vtepMac("node-2") },
        ...{ source, destination: six("back", near.address), port: 8080 },
      }),
    });
  const before = await received(near);
  await send("peer", six("back", far.address));
  expect(await received(near)).toBe(before + 1);
  await send("stranger", six("back", far.address));
  // Of this host's share, of nobody's, of the share's bits in another range, and of the world; the last ones also as if handed on for a client.
  const forged = [six("back", "10.64.1.3"), six("back", "10.64.1.200"), "fd00:64:1:1::a40:142", "2001:db8::9"];
  const handedOn = [six("back", "10.64.1.3"), six("wide", "10.64.4.2"), "2001:db8::9"];
  await Promise.all([
    ...[...forged, ownSix(own)].map((source) => send("peer", source)),
    ...handedOn.map((source) => send("peer", source, 4242)),
  ]);
  expect(await received(near)).toBe(before + 1);
});

const SAFE_END = "fd00:10:128:3:ffff:ffff:ffff:ffff";
/** What a capture shows of two pods of the encrypted network that speak in plain text. */
const plainly = (): readonly string[] => [
  "MARKER",
  addressesOnWire(six("safe", safe.address), six("safe", safeFar.address)),
];

test("a capture on the link shows nothing of what is said to pods of an encrypted network by IPv6, by pods, hosts and strangers", async () => {
  const port = { port: 80, targetPort: 8080, nodePort: 30_080 };
  const spec = { clusterIPs: ["10.96.0.50", "fd00:10:96::50"] };
  const endpoints = [safeFar.address, six("safe", safeFar.address)];
  await lab.setServices([{ name: "web", type: "NodePort", clusterIP: "10.96.0.50", spec, ports: [port], endpoints }]);
  const bytes = await captured(lab.host(2), async () => {
    for (const protocol of ["tcp", "udp"] as const) {
      expect(await ask(safe, six("safe", safeFar.address), { protocol })).toBe(
        `MARKER-safe ${six("safe", safe.address)}`,
      );
      expect(await ask(safeFar, six("safe", safe.address), { protocol })).toBe(`safe ${six("safe", safeFar.address)}`);
    }
    expect(await ask(lab.host(1), six("safe", safeFar.address))).toBe("MARKER-safe fd00:64:7::a40:701");
    expect(await ask(lab.host(3), six("safe", safeFar.address))).toBe(`MARKER-safe ${SAFE_END}`);
    expect(await safe.probe.ask({ host: "fd00:10:96::50", port: 80 })).toBe(`MARKER-safe ${six("safe", safe.address)}`);
  });
  expect(bytes.length).toBeGreaterThan(500);
  for (const plain of plainly()) expect(bytes).not.toContain(plain);
  // A stranger's own packets to a host are as they were sent.
  for (const at of [1, 2, 3])
    expect(await lab.stranger.ask({ host: `2001:db8:9::${at}`, port: 30_080 })).toMatch(/^MARKER-safe /);
  await lab.setServices([]);
});

test("a datagram of exactly the MTU crosses an encrypted network whole by IPv6, both ways, and no stream is cut into fragments", async () => {
  // 1500 less WireGuard's 60, less the headers of IPv6 and UDP.
  const most = { protocol: "udp", bytes: 1_392 } as const;
  expect(await ask(safe, six("safe", safeFar.address), most)).toBe(`MARKER-safe ${six("safe", safe.address)}`);
  expect(await ask(safeFar, six("safe", safe.address), most)).toBe(`safe ${six("safe", safeFar.address)}`);
  expect(await ask(safe, six("safe", safeFar.address), { bytes: 300_000 })).toMatch(/^MARKER-safe /);
  const counters = await safe.inside("nstat -asz Ip6FragCreates Ip6ReasmReqds | grep Ip6");
  expect(counters.match(/\s(\d+)\s/g)?.map(Number)).toEqual([0, 0]);
});

test("nobody speaks in an encrypted network's name, neither by an overlay nor from a host that has another share", async () => {
  const before = await received(safe);
  const forged = (vni: number, source: string): Promise<string> =>
    lab.host(2).probe.exchange({
      ...{ protocol: "udp", host: lab.host(1).address, port: 4789 },
      hex: vxlanDatagram({
        ...{ vni, toMac: vtepMac("node-1"), fromMac: vtepMac("node-2") },
        ...{ source, destination: six("safe", safe.address), port: 8080 },
      }),
    });
  await Promise.all([4242, 5000].map((vni) => forged(vni, six("safe", safeFar.address))));
  // In the tunnel, under an address of nobody's share and under one of the first host's.
  for (const from of [six("safe", "10.64.7.130"), six("safe", "10.64.7.3")]) {
    await lab.host(2).namespace.run(`ip address add ${from}/128 dev lo nodad`);
    const asked = { protocol: "udp", from, timeoutMs: 500 } as const;
    expect(await ask(lab.host(2), six("safe", safe.address), asked)).toBe("TIMEOUT");
    await lab.host(2).namespace.run(`ip address delete ${from}/128 dev lo`);
  }
  expect(await received(safe)).toBe(before);
  await ask(safeFar, six("safe", safe.address), { protocol: "udp" });
  expect(await received(safe)).toBe(before + 1);
});

test("without a tunnel nothing of an encrypted network leaves by IPv6 in plain text, whatever routes say, and it comes back", async () => {
  const { namespace, network: its } = lab.host(1);
  const astray = "fd00:64:7::a40:740/122 via 2001:db8:9::2 dev eth0";
  const bytes = await captured(lab.host(1), async () => {
    await namespace.run(`ip link delete ${tunnelDevice("node-1", 1)}; ip -6 route replace ${astray}`);
    // Until the next check mends it, which may be soon, nothing is answered.
    for (const protocol of ["udp", "tcp"] as const)
      expect(await ask(safe, six("safe", safeFar.address), { protocol, ...briefly })).toMatch(
        /^(TIMEOUT|MARKER-safe .*)$/,
      );
    await ask(lab.host(1), six("safe", safeFar.address), { timeoutMs: 300 });
  });
  for (const plain of plainly()) expect(bytes).not.toContain(plain);
  await namespace.run(`ip -6 route delete ${astray} 2>/dev/null || true`);
  await lab.setServices([]);
  await its.repair();
  await waitFor("the tunnel is back", async () =>
    (await ask(safe, six("safe", safeFar.address), briefly)).startsWith("MARKER"),
  );
});

test("what somebody deletes of IPv6 is put back, and a new agent finds all whole", async () => {
  const device = networkDevice("shop/back");
  for (const damage of [
    `ip link delete ${device}`,
    "ip -6 route delete fd00:64:1::a40:140/122",
    "ip -6 address delete fd00:64:1::a40:101/128 dev tallship0",
    "nft delete table ip6 tallship-firewall",
  ]) {
    expect(await lab.host(1).damage(damage)).toBeGreaterThan(0);
    expect(await lab.host(1).network.repair()).toBe(0);
    expect(await ask(near, six("back", far.address))).toBe(`far ${six("back", near.address)}`);
    expect(await ask(near, ownSix(own), briefly)).toBe("TIMEOUT");
  }
  await both.inside("ip link delete eth1");
  expect(await lab.host(1).network.repair()).toBe(1);
  expect(await ask(both, six("back", far.address))).toBe(`far ${six("back", "10.64.1.3")}`);
  await near.probe.open({ host: six("back", far.address), port: 8080 });
  const fresh = await lab.host(1).restart();
  expect(await near.probe.talk()).toBe("TALKED");
  expect(await ask(near, ownSix(own), briefly)).toBe("TIMEOUT");
  await lab.setServices([]);
  // Until it knows the policies, the firewall stands as its predecessor left it.
  await lab.setPolicies(new PolicyWorld());
  expect(await fresh.repair()).toBe(0);
  expect(await near.probe.talk()).toBe("TALKED");
});

test("where less passes between two hosts, tunnels of networks take what passes, by both families", async () => {
  const pairs = [safeFar.address, six("safe", safeFar.address)];
  const long = { bytes: 300_000, timeoutMs: 1_000 };
  await lab.fabric.run("ip link set p2 mtu 1400");
  for (const to of pairs) expect(await ask(safe, to, long)).toBe("TIMEOUT");
  const remedy = (at: number, gateway: string): void =>
    lab.host(at).network.remedy({ pathMtus: new Map([[gateway, 1_400]]), isTxChecksumOff: false });
  remedy(1, "10.128.2.1");
  remedy(2, "10.128.1.1");
  for (const at of [1, 2])
    await waitFor("routes to say it", async () => {
      const routes = "ip route show proto 84; ip -6 route show proto 84";
      const held = await lab.host(at).namespace.run(`(${routes}) | grep -c tsw.*mtu.1328`);
      return Number(held) === 4 || undefined;
    });
  for (const to of pairs) expect(await ask(safe, to, { bytes: 300_000 })).toMatch(/^MARKER-safe /);
  await lab.fabric.run("ip link set p2 mtu 1500");
  for (const at of [1, 2]) lab.host(at).network.remedy({ pathMtus: new Map(), isTxChecksumOff: false });
});

test("a host that comes to have pods of a network leads by its own device then, and by the cluster's overlay again once it has none", async () => {
  const given = (...hosts: readonly number[]): Network => {
    const { spec, ...rest } = networkObject("late", { vni: 5004 }, 6);
    const slices = hosts.map((at) => ({ nodeName: `node-${at}`, cidr: `10.64.6.${(at - 1) * 64}/26` }));
    const subnets = ["10.64.6.0/24", "fd00:64:6::/64"];
    return Network.fromPartial({ ...rest, spec: { ...spec, subnets }, status: { slices } });
  };
  const device = networkDevice("shop/late");
  lab.setNetworks([given(1)]);
  await lab.setServices([]);
  const first = await lab.host(1).podOn("first", ["10.64.6.2"]);
  await first.probe.serve("tcp", 8080, "::");
  const ways = async (): Promise<string> =>
    lab.host(2).namespace.run("ip -6 route show fd00:64:6::a40:600/122 | grep -o dev.[a-z0-9]*");
  await lab.host(2).network.repair();
  expect(await ways()).toContain("tallship0");
  expect(await ask(lab.host(2), "fd00:64:6::a40:602")).toBe("first fd00:10:128:2::1");
  lab.setNetworks([given(1, 2)]);
  await lab.setServices([]);
  for (const host of lab.hosts) await host.network.repair();
  expect(await ways()).toContain(device);
  const second = await lab.host(2).podOn("second", ["10.64.6.66"]);
  await second.probe.serve("tcp", 8080, "::");
  expect(await ask(second, "fd00:64:6::a40:602")).toBe("first fd00:64:6::a40:642");
  expect(await ask(first, "fd00:64:6::a40:642")).toBe("second fd00:64:6::a40:602");
  await lab.host(2).network.detach(["second"]);
  lab.setNetworks([given(1)]);
  await lab.setServices([]);
  await lab.host(2).network.repair();
  expect(await ways()).toContain("tallship0");
  expect(await ask(lab.host(2), "fd00:64:6::a40:602")).toBe("first fd00:10:128:2::1");
});
