import type { Entry } from "../../net/kernel/entries.js";

/** What a node needs before any peer is known. */
export const base = (underlayIp: string): readonly Entry[] => [
  { table: "setting", name: "net.ipv4.ip_forward", value: "1" },
  { table: "device", device: "tallship0", vni: 7, port: 4789, underlayIp, mac: "02:00:00:00:00:07", mtu: 1450 },
  { table: "address", device: "tallship0", ip: "10.128.4.1", scope: "global" },
  { table: "address", device: "tallship0", ip: "10.96.0.10", scope: "host" },
  { table: "route", device: "tallship0", subnet: "10.96.0.0/12", via: "", source: "10.128.4.1" },
  { table: "refusal", subnet: "10.128.0.0/9" },
];

/** What a peer needs. */
export const peer = (at: number, underlayIp = `192.168.9.${at}`): readonly Entry[] => [
  { table: "neigh", device: "tallship0", ip: `10.128.${at}.1`, mac: `02:00:00:00:01:0${at}` },
  { table: "fdb", device: "tallship0", mac: `02:00:00:00:01:0${at}`, underlayIp },
  {
    table: "route",
    device: "tallship0",
    subnet: `10.128.${at}.0/24`,
    via: `10.128.${at}.1`,
    source: "10.128.4.1",
  },
];

const MARK = 0xf500_0501;
const rules = (family: "IPv4" | "IPv6"): readonly Entry[] => {
  const branch = { table: "rule" as const, family, mark: 0xf500_0000, mask: 0xff00_0000 };
  return [
    { ...branch, mark: MARK, mask: 0xffff_ffff, priority: 40_000, leads: "lookup", target: MARK },
    { ...branch, priority: 8_453, leads: "goto", target: 40_000 },
    { ...branch, priority: 40_001, leads: "lookup", target: 254 },
  ];
};
const way = { table: "route" as const, device: "tallship0", inTable: MARK };

/** What leads packets of both families with a mark to peer 5, in an order in which they can be made. */
export const MARKED: readonly Entry[] = [
  { table: "address", device: "tallship0", ip: "fd00:10:128:4::1", scope: "global" },
  { ...way, subnet: "0.0.0.0/0", via: "10.128.5.1", source: "10.128.4.1" },
  { ...way, subnet: "::/0", via: "fd00:10:128:5::1", source: "fd00:10:128:4::1" },
  ...rules("IPv4"),
  ...rules("IPv6"),
];
