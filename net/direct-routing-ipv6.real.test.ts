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
