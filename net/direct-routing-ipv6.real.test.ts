import { afterAll, beforeAll, expect, test } from "vitest";
import { type Lab, type LabPod, makeLab } from "../test/kit/network-lab.js";
import { dualStack } from "../test/kit/network-world.js";
import { waitFor } from "../test/kit/wait.js";
import { podIpv6 } from "./ipv6.js";

// Three hosts of both families on one link that route directly. They have a router there, and so a way to everywhere.
let lab: Lab;
let near: LabPod;
let far: LabPod;
const NEAR = podIpv6("fd00:10:128:1::/64", "10.128.1.9");
const FAR = podIpv6("fd00:10:128:2::/64", "10.128.2.9");
const VIP = "fd00:10:96::11";
const web = {
  ...{ name: "web", clusterIP: VIP, endpoints: [FAR] },
  ports: [{ port: 80, targetPort: 8080, nodePort: 30_080 }],
};

/** All hosts have told an address on the link, and heard those of the others. */
async function onLink(): Promise<void> {
  await waitFor("hosts to have addresses on their link", async () => {
    for (const { network } of lab.hosts) await network.repair();
    return lab.hosts.every(({ published }) => published.linkIpv6 !== "") || undefined;
  });
  await lab.setServices([web]);
}

beforeAll(async () => {
  lab = await makeLab(3, (at) => ({ directRouting: true, ...dualStack(at) }));
  await lab.outside.run("ip address add 2001:db8:9::64/64 dev eth0 nodad");
  for (const { namespace, at } of lab.hosts)
    await namespace.run(
      `ip address add 2001:db8:9::${at}/64 dev eth0 nodad; ip route add ::/0 via 2001:db8:9::64 dev eth0`,
    );
  near = await lab.host(1).pod("near", 9);
  far = await lab.host(2).pod("far", 9);
  await onLink();
  for (const { probe } of [near, far])
    for (const protocol of ["tcp", "udp"] as const) await probe.serve(protocol, 8080, "::");
  for (const { probe } of lab.hosts) for (const port of [7446, 8080]) await probe.serve("tcp", port, "::");
  const chain = "{ type filter hook postrouting priority 400; }";
  await lab
    .host(1)
    .namespace.run(
      `nft add table ip6 watch; nft 'add chain ip6 watch out ${chain}'; nft add rule ip6 watch out oifname tallship0 counter`,
    );
});
afterAll(() => lab.dispose());

/** Packets of IPv6 that host 1 has sent into the tunnel. */
const tunnelled = async (): Promise<number> =>
  Number(/packets (\d+) /.exec(await lab.host(1).namespace.run("nft list chain ip6 watch out"))?.[1]);

const wayTo = (at: number): Promise<string> =>
  lab.host(1).namespace.run(`ip -6 route show fd00:10:128:${at}::/64 proto 84`);

test("pods of two hosts on one link reach each other without the tunnel, by TCP and UDP, under their own addresses", async () => {
  const before = await tunnelled();
  for (const protocol of ["tcp", "udp"] as const) {
    expect(await near.probe.ask({ protocol, host: FAR, port: 8080 })).toBe(`far ${NEAR}`);
    expect(await far.probe.ask({ protocol, host: NEAR, port: 8080 })).toBe(`near ${FAR}`);
  }
  expect(await tunnelled()).toBe(before);
  expect(await wayTo(2)).toContain(`via ${lab.host(2).published.linkIpv6} dev eth0`);
});

test("services, node ports and the hosts themselves lead there as well", async () => {
  expect(await near.probe.ask({ host: VIP, port: 80 })).toBe(`far ${NEAR}`);
  expect(await lab.host(1).probe.ask({ host: FAR, port: 8080 })).toBe("far fd00:10:128:1::1");
  expect(await lab.host(1).probe.ask({ host: VIP, port: 80 })).toBe("far fd00:10:128:1::1");
  expect(await lab.stranger.ask({ host: "2001:db8:9::1", port: 30_080 })).toBe("far 2001:db8:9::64");
});

test("a host beyond the link is reached through the tunnel", async () => {
  const third = await lab.host(3).pod("third", 9);
  await third.probe.serve("tcp", 8080, "::");
  const THIRD = podIpv6("fd00:10:128:3::/64", third.address);
  expect(await wayTo(3)).toContain("dev eth0");
  await lab.setServices([web], { "node-3": "192.168.8.3" });
  expect(await wayTo(3)).toContain("via fe80::a80:301 dev tallship0");
  expect(await wayTo(2)).toContain("dev eth0");
  await lab.setServices([web]);
  expect(await wayTo(3)).toContain(`via ${lab.host(3).published.linkIpv6} dev eth0`);
  expect(await near.probe.ask({ host: THIRD, port: 8080 })).toBe(`third ${NEAR}`);
});

test("a host that has lost its address on the link is reached through the tunnel, and over the link once it has another", async () => {
  const { namespace, network } = lab.host(2);
  const before = lab.host(2).published.linkIpv6;
  await namespace.run(`ip address delete ${before}/64 dev eth0`);
  await network.repair();
  expect(lab.host(2).published.linkIpv6).toBe("");
  await lab.setServices([web]);
  expect(await wayTo(2)).toContain("dev tallship0");
  expect(await near.probe.ask({ host: FAR, port: 8080 })).toBe(`far ${NEAR}`);
  await namespace.run("ip address add fe80::77/64 dev eth0 nodad");
  await onLink();
  expect(await wayTo(2)).toContain("via fe80::77 dev eth0");
  expect(await near.probe.ask({ host: FAR, port: 8080 })).toBe(`far ${NEAR}`);
});

test("routes that somebody deletes or changes come back, and what others put on the link stays", async () => {
  const { namespace, network } = lab.host(1);
  const strange = "ip neighbour add fe80::99 lladdr 02:00:00:00:00:77 dev eth0 nud permanent";
  const damage = `ip -6 route delete fd00:10:128:2::/64; ${strange}; ip route add fd00:200::/64 dev eth0`;
  expect(await lab.host(1).damage(damage)).toBe(1);
  expect(await near.probe.ask({ host: FAR, port: 8080 })).toBe(`far ${NEAR}`);
  expect(await namespace.run("ip -6 neighbour show nud permanent")).toContain("fe80::99");
  expect(await namespace.run("ip -6 route")).toContain("fd00:200::/64 dev eth0");
  const astray = "ip -6 route replace fd00:10:128:2::/64 via fe80::99 dev eth0 proto 84";
  expect(await lab.host(1).damage(astray)).toBeGreaterThan(0);
  expect(await near.probe.ask({ host: FAR, port: 8080 })).toBe(`far ${NEAR}`);
  expect(await network.repair()).toBe(0);
});

test("an agent that starts anew leaves the ways over the link as they are until it has a map", async () => {
  const before = await wayTo(2);
  const network = await lab.host(1).restart();
  await network.repair();
  expect(await wayTo(2)).toBe(before);
  await lab.setServices([web]);
  expect(await wayTo(2)).toBe(before);
  expect(await network.repair()).toBe(0);
});

test("a pod's address is believed from the host that has it alone, and ports of Tallship stay closed to pods of other hosts", async () => {
  const question = { protocol: "udp", host: NEAR, port: 8080, timeoutMs: 300 } as const;
  const { outside } = lab;
  const received = async (): Promise<number> =>
    Number(/Udp6InDatagrams\s+(\d+)/.exec(await near.inside("nstat -asz Udp6InDatagrams"))?.[1]);
  const before = await received();
  // The router on the link takes the address of a pod of this very host, and of one of no host: the way to everywhere makes neither its own.
  for (const address of ["fd00:10:128:1::a80:14d", "fd00:10:128:77::9"]) {
    const way = "fd00:10:128:1::/64 via 2001:db8:9::1 dev eth0";
    await outside.run(`ip address add ${address}/128 dev lo nodad; ip -6 route replace ${way}`);
    expect(await lab.stranger.ask({ ...question, from: address })).toBe("TIMEOUT");
    await outside.run(`ip address delete ${address}/128 dev lo`);
  }
  expect(await received()).toBe(before);
  expect(await far.probe.ask({ host: "2001:db8:9::1", port: 8080 })).toBe("host-1 2001:db8:9::2");
  expect(await far.probe.ask({ host: "fd00:10:128:1::1", port: 7446 })).toBe("ECONNREFUSED");
  expect(await far.probe.ask({ host: "fd00:10:128:1::1", port: 8080 })).toBe(`host-1 ${FAR}`);
});

test("the tunnel takes from a host that is reached without it what answers clients, under the addresses of its own pods alone", async () => {
  const tunnels = await lab.host(1).namespace.run("nft list set inet tallship-firewall tunnels-ipv6");
  expect(tunnels.match(/192\.168\.9\.2 [^,}]*/g)?.map((text) => text.trim())).toEqual([
    "192.168.9.2 . 0xfd000010012800020000000000000000-0xfd00001001280002ffffffffffffffff",
  ]);
});

/** Packets that the first host has forwarded the long way. */
const forwarded = async (): Promise<number> =>
  Number(/packets (\d+)/.exec(await lab.host(1).namespace.run("nft list table inet seen"))?.[1]);

/** Of ten packets of one connection between the pods, how many the first host has forwarded the long way. */
async function longWayOfTen(host: string): Promise<number> {
  const before = await forwarded();
  const question = { protocol: "udp" as const, host, port: 8080, fromPort: 4_000 };
  for (let at = 0; at < 5; at += 1) expect(await near.probe.ask(question)).toMatch(/^far /);
  return (await forwarded()) - before;
}

test("where less passes over the link than it takes, connections stall until the routes say so, by both families, and take no shortcut around what they say", async () => {
  const [first, second] = [lab.host(1), lab.host(2)];
  const ways = (): Promise<string> => first.namespace.run("ip route show proto 84; ip -6 route show proto 84");
  const passing = (bytes?: number): void => {
    const paths = (gateway: string) => new Map(bytes === undefined ? [] : [[gateway, bytes] as const]);
    first.network.remedy({ pathMtus: paths("10.128.2.1"), isTxChecksumOff: false });
    second.network.remedy({ pathMtus: paths("10.128.1.1"), isTxChecksumOff: false });
  };
  const seen = "chain passing { type filter hook forward priority 20; counter; }";
  await first.namespace.run(`nft 'table inet seen { ${seen}; }'`);
  // Real packets on the link: a card would cut the large ones that the kernel leaves to it.
  for (const { namespace } of lab.hosts) await namespace.run("ethtool -K eth0 tso off gso off");
  for (const host of lab.hosts) await host.lookForShortcut();
  const families = [far.address, FAR];
  for (const host of families) await waitFor("the shortcut", async () => (await longWayOfTen(host)) === 0);
  await lab.fabric.run("ip link set p2 mtu 1400");
  const long = { port: 8080, bytes: 300_000 };
  for (const host of families) expect(await near.probe.ask({ ...long, host, timeoutMs: 1_000 })).toBe("TIMEOUT");
  passing(1_400);
  const narrowed = [
    "10.128.2.0/24 via 192.168.9.2 dev eth0 ",
    `fd00:10:128:2::/64 via ${second.published.linkIpv6} dev eth0 `,
  ];
  const isSaid = async (): Promise<boolean> => {
    const lines = (await ways()).split("\n");
    return narrowed.every((way) => lines.some((line) => line.startsWith(way) && line.includes(" mtu 1400")));
  };
  await waitFor("routes to say what passes", isSaid);
  // Probes go on to see the way as it is.
  expect(await ways()).toMatch(/^10\.128\.2\.1 via 192\.168\.9\.2 dev eth0 (?!.*mtu)/m);
  for (const host of families) {
    expect(await near.probe.ask({ ...long, host })).toMatch(/^far /);
    // What comes in by it has passed.
    await waitFor("no shortcut for the five that go out", async () => (await longWayOfTen(host)) >= 5);
  }
  const successor = await first.restart();
  expect(successor.remedies.pathMtus).toEqual(new Map([["10.128.2.1", 1_400]]));
  await lab.setServices([web]);
  expect(await isSaid()).toBe(true);
  expect(await successor.repair()).toBe(0);
  await lab.fabric.run("ip link set p2 mtu 1500");
  passing();
  await waitFor("routes to say nothing", async () => !(await ways()).includes("mtu"));
  await first.lookForShortcut();
  for (const host of families) {
    expect(await near.probe.ask({ ...long, host })).toMatch(/^far /);
    await waitFor("the shortcut", async () => (await longWayOfTen(host)) === 0);
  }
});
