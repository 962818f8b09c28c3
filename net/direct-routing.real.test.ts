import { afterAll, beforeAll, expect, test } from "vitest";
import { type Lab, type LabPod, makeLab } from "../test/kit/network-lab.js";

// Three hosts on one link that route directly; the third has told an address behind a router, so the others tunnel to it.
let lab: Lab;
let near: LabPod;
let far: LabPod;

beforeAll(async () => {
  lab = await makeLab(3, { directRouting: true });
  near = await lab.host(1).pod("near", 9);
  far = await lab.host(2).pod("far", 9);
  await lab.setServices([
    {
      name: "web",
      clusterIP: "10.97.0.1",
      ports: [{ port: 80, targetPort: 8080, nodePort: 30_080 }],
      endpoints: [far.address],
    },
  ]);
  for (const { probe } of [near, far]) {
    await probe.serve("tcp", 8080);
    await probe.serve("udp", 8080);
  }
  for (const { probe } of lab.hosts) for (const port of [7446, 8080]) await probe.serve("tcp", port);
});
afterAll(() => lab.dispose());

/** Packets that host 1 has sent into the tunnel. */
const tunnelled = async (): Promise<number> =>
  JSON.parse(await lab.host(1).namespace.run("ip -s -json link show tallship0"))[0].stats64.tx.packets;

test("pods of two hosts on one link reach each other without the tunnel, by TCP and UDP, under their own addresses", async () => {
  const before = await tunnelled();
  for (const protocol of ["tcp", "udp"] as const) {
    expect(await near.probe.ask({ protocol, host: far.address, port: 8080 })).toBe(`far ${near.address}`);
    expect(await far.probe.ask({ protocol, host: near.address, port: 8080 })).toBe(`near ${far.address}`);
  }
  expect(await tunnelled()).toBe(before);
});

test("services, node ports and the hosts themselves lead there as well, also from a host's 127.0.0.1", async () => {
  expect(await near.probe.ask({ host: "10.97.0.1", port: 80 })).toBe(`far ${near.address}`);
  expect(await lab.host(1).probe.ask({ host: far.address, port: 8080 })).toBe("far 10.128.1.1");
  expect(await lab.host(1).probe.ask({ host: "10.97.0.1", port: 80 })).toBe("far 10.128.1.1");
  expect(await lab.stranger.ask({ host: lab.host(1).address, port: 30_080 })).toBe("far 192.168.9.100");
  expect(await lab.host(1).probe.ask({ host: "127.0.0.1", port: 30_080 })).toBe("far 10.128.1.1");
});

test("a host beyond the link is reached through the tunnel", async () => {
  await lab
    .host(3)
    .pod("third", 9)
    .then(({ probe }) => probe.serve("tcp", 8080));
  const routes = async (): Promise<string> => lab.host(1).namespace.run("ip route show proto 84");
  expect(await routes()).toContain("10.128.3.0/24 via 192.168.9.3 dev eth0");
  await lab.setServices([], { "node-3": "192.168.8.3" });
  expect(await routes()).toContain("10.128.3.0/24 via 10.128.3.1 dev tallship0");
  expect(await routes()).toContain("10.128.2.0/24 via 192.168.9.2 dev eth0");
  await lab.setServices([]);
  expect(await near.probe.ask({ host: "10.128.3.9", port: 8080 })).toBe("third 10.128.1.9");
});

test("routes that somebody deletes come back, and what others put on the link stays", async () => {
  const { namespace, network } = lab.host(1);
  const damage =
    "ip route delete 10.128.2.0/24; ip neighbour add 192.168.9.77 lladdr 02:00:00:00:00:77 dev eth0 nud permanent; ip route add 10.200.0.0/24 dev eth0";
  expect(await lab.host(1).damage(damage)).toBe(1);
  expect(await near.probe.ask({ host: far.address, port: 8080 })).toBe(`far ${near.address}`);
  expect(await namespace.run("ip neighbour show nud permanent")).toContain("192.168.9.77");
  expect(await namespace.run("ip route")).toContain("10.200.0.0/24 dev eth0");
  expect(await network.repair()).toBe(0);
});

test("a pod's address is believed from the host that has it alone, and ports of Tallship stay closed to pods of other hosts", async () => {
  const question = { protocol: "udp", host: near.address, port: 8080, timeoutMs: 300 } as const;
  const { outside } = lab;
  const received = async (): Promise<number> =>
    Number(/UdpInDatagrams\s+(\d+)/.exec(await near.inside("nstat -asz UdpInDatagrams"))?.[1]);
  const before = await received();
  // A stranger on the link that takes the address of a pod of this very host, and of one beyond the tunnel.
  for (const address of ["10.128.1.77", "10.250.0.9"]) {
    await outside.run(`ip address add ${address}/32 dev lo; ip route replace 10.128.1.0/24 via 192.168.9.1 dev eth0`);
    expect(await lab.stranger.ask({ ...question, from: address })).toBe("TIMEOUT");
    await outside.run(`ip address delete ${address}/32 dev lo`);
  }
  expect(await received()).toBe(before);
  expect(await far.probe.ask({ host: lab.host(1).address, port: 8080 })).toBe("host-1 192.168.9.2");
  expect(await far.probe.ask({ host: "10.128.1.1", port: 7446 })).toBe("ECONNREFUSED");
  expect(await far.probe.ask({ host: "10.128.1.1", port: 8080 })).toBe(`host-1 ${far.address}`);
});

test("the tunnel takes from a host that is reached without it what answers clients, under the addresses of its own pods alone", async () => {
  const tunnels = await lab.host(1).namespace.run("nft list set inet tallship-firewall tunnels");
  expect(tunnels.match(/192\.168\.9\.2 [^,}]*/g)?.map((text) => text.trim())).toEqual([
    "192.168.9.2 . 0xa800200-0xa8002ff",
  ]);
});
