import { afterAll, beforeAll, expect, test } from "vitest";
import { vxlanDatagram } from "../../test/kit/forged.js";
import { type Lab, type LabHost, type LabPod, makeLab, type Probe } from "../../test/kit/network-lab.js";
import { dualStack, type TestService } from "../../test/kit/network-world.js";
import { PolicyWorld } from "../../test/kit/policy-world.js";
import { waitFor } from "../../test/kit/wait.js";
import { vtepMac } from "../device-names.js";

// Two hosts, a pod on each and a second one on the first; a stranger on the same link that is no node.
let lab: Lab;
let near: LabPod;
let neighbour: LabPod;
let far: LabPod;

beforeAll(async () => {
  lab = await makeLab(2);
  await lab.setServices([]);
  near = await lab.host(1).pod("near", 9);
  neighbour = await lab.host(1).pod("neighbour", 10);
  far = await lab.host(2).pod("far", 9);
  for (const { probe } of [near, neighbour, far]) {
    await probe.serve("tcp", 8080);
    await probe.serve("udp", 8080);
  }
  for (const host of lab.hosts) await host.lookForShortcut();
});
afterAll(() => lab.dispose());

/** Packets that passed the first host's overlay device since the last call. */
async function passedOverlay(): Promise<() => Promise<number>> {
  const count = async (): Promise<number> => {
    const [{ stats64 }] = JSON.parse(await lab.host(1).namespace.run("ip -s -json link show tallship0"));
    return stats64.tx.packets + stats64.rx.packets;
  };
  const before = await count();
  return async () => (await count()) - before;
}

/** Until the connection's packets, which this sends two of, pass no overlay device any more. */
async function untilShort(what: string, send: () => Promise<unknown>): Promise<void> {
  await waitFor(`${what} to take the shortcut`, async () => {
    const passed = await passedOverlay();
    for (let at = 0; at < 5; at += 1) await send();
    return (await passed()) === 0;
  });
}

test("packets of a connection that stands pass the overlay's device no more: TCP, UDP and echoes", async () => {
  await near.probe.open({ host: far.address, port: 8080 });
  await untilShort("TCP", async () => expect(await near.probe.talk()).toBe("TALKED"));
  const question = { protocol: "udp" as const, host: far.address, port: 8080, fromPort: 4_000 };
  await untilShort("UDP", async () => expect(await near.probe.ask(question)).toBe(`far ${near.address}`));
  expect(await near.inside(`ping -q -c 300 -i 0.002 ${far.address}`)).toContain(" 0% packet loss");
});

for (const [what, directRouting, mark] of [
  ["in VXLAN", false, "0xf6000000"],
  ["as they are, where hosts route directly", true, "0xf6000001"],
] as const)
  test(`so do those of both families that go ${what}`, async () => {
    const other = await makeLab(2, (at) => ({ ...dualStack(at), directRouting }));
    try {
      await other.setServices([]);
      const one = await other.host(1).pod("one", 9);
      const two = await other.host(2).pod("two", 9);
      const byIpv6 = other.host(2).network.ipv6Of(two.address) ?? "";
      for (const protocol of ["tcp", "udp"] as const) await two.probe.serve(protocol, 8080, "::");
      for (const host of other.hosts) await host.lookForShortcut();
      for (const host of [two.address, byIpv6]) {
        const passed = await countForwarded(other.host(1));
        await waitFor(`packets to ${host} to take the shortcut`, async () => {
          const before = await passed();
          const question = { protocol: "udp" as const, host, port: 8080, fromPort: 4_000 };
          for (let at = 0; at < 5; at += 1) expect(await one.probe.ask(question)).toMatch(/^two /);
          return (await passed()) === before;
        });
        expect(await one.probe.ask({ host, port: 8080, bytes: 5_000_000 })).toMatch(/^two /);
        expect(await one.probe.ask({ host, port: 8081 })).toBe("ECONNREFUSED");
      }
      for (const [virtual, endpoint] of [
        ["10.97.0.1", two.address],
        ["fd00:10:96::1", byIpv6],
      ] as const) {
        await other.setServices([serviceOf(virtual, [endpoint])]);
        await one.probe.open({ host: virtual, port: 80 });
        const passed = await countForwarded(other.host(1));
        await untilTalkIsShort(one.probe, passed);
        const seen = `two ${endpoint === byIpv6 ? other.host(1).network.ipv6Of(one.address) : one.address}`;
        await streamBySum({ one, two, seen, passed, host: virtual });
      }
      expect(await other.host(1).namespace.run("nft list table inet tallship-shortcut")).toContain(mark);
    } finally {
      await other.dispose();
    }
  });

/** Counts what a host forwards, the long way. */
async function countForwarded({ namespace }: LabHost): Promise<() => Promise<number>> {
  await namespace.run("nft 'table inet seen; delete table inet seen'");
  await namespace.run(chainOf("seen", "forward priority 20", "counter"));
  return async () => packetsIn(await namespace.run("nft list table inet seen"));
}

/** A service of TCP port 80 whose endpoints answer on 8080. */
function serviceOf(clusterIP: string, endpoints: readonly string[]): TestService {
  return { name: "web", clusterIP, ports: [{ port: 80, targetPort: 8080 }], endpoints };
}

/** Until what is said on the open connection passes the tables no more, as their count says. */
async function untilTalkIsShort(probe: Probe, passed: () => Promise<number>): Promise<void> {
  await waitFor("the service's packets to take the shortcut", async () => {
    const before = await passed();
    for (let at = 0; at < 5; at += 1) expect(await probe.talk()).toBe("TALKED");
    return (await passed()) === before;
  });
}

test("connections of TCP to a service take it on the host of the pod that asks, too, each to its own endpoint", async () => {
  await lab.setServices([serviceOf("10.97.0.1", [far.address])]);
  await near.probe.open({ host: "10.97.0.1", port: 80 });
  const passed = await countForwarded(lab.host(1));
  await untilTalkIsShort(near.probe, passed);
  await streamBySum({ one: near, two: far, seen: `far ${near.address}`, passed, host: "10.97.0.1" });
  await lab.setServices([serviceOf("10.97.0.1", [neighbour.address])]);
  // Of an endpoint that is in no slice any more the connection is reset: not later than its next packet that goes the long way.
  await waitFor("the connection's end", async () => (await near.probe.talk()) === "ECONNRESET");
  expect(await near.probe.ask({ host: "10.97.0.1", port: 80 })).toBe("neighbour 10.128.1.9");
  await lab.setServices([]);
});

/** Sends 20 MB to a service, with sums that the kernel leaves to cards and with such as it works out: receivers look at these, and those of translated packets must be right, too. */
async function streamBySum(stream: {
  readonly one: LabPod;
  readonly two: LabPod;
  readonly seen: string;
  readonly passed: () => Promise<number>;
  readonly host: string;
}): Promise<void> {
  const { one, two, seen, passed, host } = stream;
  for (const offload of ["on", "off"]) {
    for (const { inside } of [one, two]) await inside(`ethtool -K eth0 tx ${offload}`);
    const before = await passed();
    expect(await one.probe.ask({ host, port: 80, bytes: 20_000_000 })).toBe(seen);
    // Without the shortcut there are three hundred packets, of 64 KiB each, or fourteen thousand, and as many that confirm them.
    expect((await passed()) - before).toBeLessThan(offload === "on" ? 150 : 5_000);
  }
  for (const { inside } of [one, two]) await inside("ethtool -K eth0 tx on");
}

test("each second of a connection some of its packets go the long way", async () => {
  await near.probe.open({ host: far.address, port: 8080 });
  await untilShort("TCP", () => near.probe.talk());
  const passed = await passedOverlay();
  await waitFor("a packet on the overlay's device", async () => {
    expect(await near.probe.talk()).toBe("TALKED");
    return (await passed()) > 0;
  });
});

test("while packets flow it is copies that go the long way, and nobody gets them", async () => {
  // What passes the first host's tables is painted, so that its arrival can be seen.
  const paint = `ip daddr ${far.address} ip dscp set cs1 counter`;
  await lab.host(1).namespace.run(chainOf("painted", "forward priority 20", paint));
  await far.inside(chainOf("painted", "input priority 0", "icmp type echo-request ip dscp cs1 counter"));
  const passed = (): Promise<string> => lab.host(1).namespace.run("nft list table inet painted");
  const arrived = (): Promise<string> => far.inside("nft list table inet painted");
  await waitFor("a second in which packets are painted and none of them arrives", async () => {
    const before = { passed: packetsIn(await passed()), arrived: packetsIn(await arrived()) };
    const said = await near.inside(`ping -q -c 500 -i 0.002 ${far.address}`);
    expect(said).toContain("500 received");
    expect(said).not.toContain("duplicates");
    // The first of a run of echoes go the long way themselves.
    return packetsIn(await passed()) - before.passed > packetsIn(await arrived()) - before.arrived + 1;
  });
  await lab.host(1).namespace.run("nft delete table inet painted");
});

/** A shell script that makes a table with one rule at a hook. */
function chainOf(table: string, hook: string, rule: string): string {
  return `nft "table inet ${table} { chain here { type filter hook ${hook}; ${rule}; }; }"`;
}

/** What a listed table's only counter says. */
function packetsIn(table: string): number {
  return Number(/packets (\d+)/.exec(table)?.[1]);
}

test("streams and datagrams of the full size arrive whole, both ways, and nothing is cut into fragments", async () => {
  for (const [from, to] of [
    [near, far],
    [far, near],
  ] as const) {
    const seen = `${to.uid} ${from.address}`;
    expect(await from.probe.ask({ host: to.address, port: 8080, bytes: 20_000_000 })).toBe(seen);
    const question = { protocol: "udp" as const, host: to.address, port: 8080, bytes: 1_450 - 28, fromPort: 4_001 };
    for (let at = 0; at < 10; at += 1) expect(await from.probe.ask(question)).toBe(seen);
    expect(await from.probe.ask({ ...question, bytes: 1_450 - 27 })).toBe(seen);
  }
});

test("a pod that takes its neighbour's address and ports gets nothing out by the neighbour's shortcut", async () => {
  const question = { protocol: "udp" as const, host: far.address, port: 8080, fromPort: 4_002 };
  await untilShort("UDP", () => near.probe.ask(question));
  await neighbour.inside(`ip address add ${near.address}/32 dev eth0`);
  const forged = { ...question, from: near.address, timeoutMs: 200 };
  const received = async (): Promise<number> =>
    Number(/UdpInDatagrams\s+(\d+)/.exec(await far.inside("nstat -asz UdpInDatagrams"))?.[1]);
  await near.probe.ask(question);
  const before = await received();
  expect(await neighbour.probe.ask(forged)).toBe("TIMEOUT");
  expect(await received()).toBe(before);
  await neighbour.inside(`ip address delete ${near.address}/32 dev eth0`);
});

test("what comes from another than the host to which the connection's packets go is not taken", async () => {
  const question = { protocol: "udp" as const, host: far.address, port: 8080, fromPort: 4_003 };
  await untilShort("UDP", () => near.probe.ask(question));
  const received = async (): Promise<number> =>
    Number(/UdpInDatagrams\s+(\d+)/.exec(await near.inside("nstat -asz UdpInDatagrams"))?.[1]);
  const hex = vxlanDatagram({
    ...{ vni: 4_242, toMac: vtepMac("node-1"), source: far.address, destination: near.address },
    ...{ fromPort: 8_080, port: 4_003 },
  });
  await near.probe.ask(question);
  const before = await received();
  for (let at = 0; at < 3; at += 1)
    await lab.stranger.exchange({ protocol: "udp", host: lab.host(1).address, port: 4_789, hex });
  expect(await received()).toBe(before);
});

test("a connection that policies forbid is cut, though its packets had taken the shortcut", async () => {
  await near.probe.open({ host: far.address, port: 8080 });
  await untilShort("TCP", () => near.probe.talk());
  const world = new PolicyWorld();
  world.namespace("default");
  for (const [{ uid, address }, node] of [
    [near, "node-1"],
    [far, "node-2"],
  ] as const)
    world.pod({ name: `default/${uid}`, node, address, labels: { name: uid } });
  world.policy("default/none", { podSelector: { matchLabels: { name: "far" } }, policyTypes: ["Ingress"] });
  await lab.setPolicies(world);
  expect(await near.probe.talk()).not.toBe("TALKED");
  expect(await near.probe.ask({ host: far.address, port: 8080, timeoutMs: 300 })).toBe("TIMEOUT");
  await lab.setPolicies(new PolicyWorld());
});

test("a successor opens it anew, and puts back what somebody took off; meanwhile nothing is lost", async () => {
  await near.probe.open({ host: far.address, port: 8080 });
  await untilShort("TCP", () => near.probe.talk());
  const { namespace } = lab.host(1);
  await namespace.run("tc qdisc delete dev eth0 clsact; nft delete table inet tallship-shortcut");
  expect(await near.probe.talk()).toBe("TALKED");
  await lab.host(1).restart();
  expect(await near.probe.talk()).toBe("TALKED");
  await lab.host(1).lookForShortcut();
  await untilShort("TCP", async () => expect(await near.probe.talk()).toBe("TALKED"));
});
