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
