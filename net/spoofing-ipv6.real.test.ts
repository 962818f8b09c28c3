import { afterAll, beforeAll, expect, test } from "vitest";
import { vxlanDatagram } from "../test/kit/forged.js";
import { type Lab, type LabPod, makeLab } from "../test/kit/network-lab.js";
import { dualStack } from "../test/kit/network-world.js";
import { vtepMac } from "./device-names.js";
import { podIpv6 } from "./ipv6.js";

// Two hosts of both families, a pod on the first; what a host may send to it by the tunnel, and under whose address.
let lab: Lab;
let near: LabPod;
const NEAR = podIpv6("fd00:10:128:1::/64", "10.128.1.9");

beforeAll(async () => {
  lab = await makeLab(2, dualStack);
  await lab.setServices([]);
  near = await lab.host(1).pod("near", 9);
  await near.probe.serve("udp", 8080, "::");
  for (const { network } of lab.hosts) await network.repair();
  const chain = "{ type filter hook prerouting priority -300; }";
  await lab
    .host(1)
    .namespace.run(
      `nft add table ip6 watch; nft 'add chain ip6 watch seen ${chain}'; nft add rule ip6 watch seen iifname tallship0 udp dport 8080 counter`,
    );
});
afterAll(() => lab.dispose());

/** Packets that came out of the tunnel and were not dropped at once. */
const taken = async (): Promise<number> =>
  Number(/packets (\d+) /.exec(await lab.host(1).namespace.run("nft list chain ip6 watch seen"))?.[1]);

const received = async (): Promise<number> =>
  Number(/Udp6InDatagrams\s+(\d+)/.exec(await near.inside("nstat -asz Udp6InDatagrams"))?.[1]);

interface Row {
  readonly what: string;
  readonly source: string;
  readonly isTaken?: boolean;
  readonly by?: "peer" | "stranger";
  readonly mac?: string;
  readonly to?: string;
  readonly vni?: number;
}

const CLIENT = "2001:db8:77::9";
const rows: readonly Row[] = [
  { what: "a pod of its own", source: "fd00:10:128:2::a80:209", isTaken: true },
  { what: "a client from outside", source: CLIENT, isTaken: true },
  { what: "a client from outside, by a stranger", source: CLIENT, by: "stranger" },
  { what: "a pod, by a stranger", source: "fd00:10:128:2::a80:209", by: "stranger" },
  { what: "another node's client, which that node would hand on itself", source: CLIENT, mac: "node-3" },
  { what: "a pod of another node", source: "fd00:10:128:3::a80:309" },
  { what: "a pod of this node", source: "fd00:10:128:1::a80:110" },
  { what: "a host of the cluster", source: "2001:db8:9::2" },
  { what: "a service", source: "fd00:10:96::20" },
  { what: "this host's loopback", source: "::1" },
  { what: "nobody", source: "::" },
  { what: "a link", source: "fe80::9" },
  { what: "everybody", source: "ff02::1" },
  { what: "an address of IPv4 in IPv6's words", source: "::ffff:203.0.113.9" },
  { what: "a client from outside, to the host instead of a pod", source: CLIENT, to: "fd00:10:128:1::1" },
  { what: "a client from outside, to a pod of a third node", source: CLIENT, to: "fd00:10:128:3::a80:309" },
  { what: "a client from outside, in a network beside the cluster's", source: CLIENT, vni: 4243 },
];

for (const { what, source, isTaken = false, by = "peer", mac = "node-2", to = NEAR, vni = 4242 } of rows)
  test(`a host that sends packets of IPv6 of ${what} is ${isTaken ? "believed" : "not believed"}`, async () => {
    const packet = { vni, toMac: vtepMac("node-1"), fromMac: vtepMac(mac), source, destination: to, port: 8080 };
    const sender = by === "peer" ? lab.host(2).probe : lab.stranger;
    const before = [await taken(), await received()];
    // No answer comes: what is sent has arrived when the wait for one is over.
    await sender.exchange({ protocol: "udp", host: lab.host(1).address, port: 4789, hex: vxlanDatagram(packet) });
    const more = isTaken ? 1 : 0;
    const counts = async (): Promise<readonly number[]> => [await taken(), await received()];
    await expect.poll(counts, { timeout: 10_000 }).toEqual(before.map((count) => count + more));
  });
