import { expect, test } from "vitest";
import { parseChecksumErrors, parseRouteGet } from "./evidence-text.js";

test("routes are read of what ip prints, with and without a next hop; what has none is left out", () => {
  const text = [
    "10.128.4.1 from 10.128.0.1 dev tallship0 uid 0 ",
    "    cache ",
    "172.30.0.13 from 172.30.0.11 via 172.30.0.12 dev eth0 uid 0 ",
    "    cache ",
    "fd00:10:128:2::1 from fd00:10:128:1::1 via fd00:10:128:2::1 dev tallship0 proto 84 src fd00:10:128:1::1 metric 1024 pref medium",
    "RTNETLINK answers: Network is unreachable",
  ].join("\n");
  expect([...parseRouteGet(text)]).toEqual([
    ["10.128.4.1", { device: "tallship0", via: "" }],
    ["172.30.0.13", { device: "eth0", via: "172.30.0.12" }],
    ["fd00:10:128:2::1", { device: "tallship0", via: "fd00:10:128:2::1" }],
  ]);
});

test("wrong checksums of UDP and TCP are added up; a kernel that does not count them counts none", () => {
  const text = "Tcp: InSegs InCsumErrors\nTcp: 9 2\nUdp: InDatagrams InCsumErrors NoPorts\nUdp: 100 5 1\n";
  expect(parseChecksumErrors(text)).toBe(7);
  expect(parseChecksumErrors("Udp: InDatagrams\nUdp: 100\n")).toBe(0);
});
