import { expect, test } from "vitest";
import { findOverlap, overlaps } from "./cidr-overlap.js";
import { parseIpv6Routes, parseRoutes } from "./host-routes.js";

// Each row is one side of one border.
test.each([
  ["10.128.0.0/9", "10.128.0.0/9", true],
  ["10.128.0.0/9", "10.200.3.0/24", true],
  ["10.200.3.0/24", "10.128.0.0/9", true],
  ["10.128.0.0/9", "10.127.255.0/24", false],
  ["10.96.0.0/12", "10.112.0.0/12", false],
  ["10.96.0.0/12", "10.111.255.255/32", true],
  ["10.0.0.0/8", "fd00::/8", false],
  ["fd00::/8", "fd12:3456::/64", true],
  ["10.0.0.0/8", "nonsense", false],
])("%s and %s overlap: %s", (a, b, want) => {
  expect(overlaps(a, b)).toBe(want);
});

const table = `Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
eth0	00000000	01001EAC	0003	0	0	0	00000000	0	0	0
eth0	00001EAC	00000000	0001	0	0	0	00FFFFFF	0	0	0
tun0	0000820A	00000000	0001	0	0	0	0000FFFF	0	0	0
`;

test("the kernel's table is read", () => {
  expect(parseRoutes(table)).toEqual([
    { destination: "0.0.0.0/0", device: "eth0" },
    { destination: "172.30.0.0/24", device: "eth0" },
    { destination: "10.130.0.0/16", device: "tun0" },
  ]);
  const ipv6 =
    "fd120000000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth0\n";
  expect(parseIpv6Routes(ipv6)).toEqual([
    { destination: "fd12:0000:0000:0000:0000:0000:0000:0000/64", device: "eth0" },
  ]);
});

test("an overlap is said with the route and its device; the default route overlaps nothing", () => {
  expect(findOverlap(["10.128.0.0/9", "10.96.0.0/12"], parseRoutes(table))).toContain("10.130.0.0/16 by tun0");
  expect(findOverlap(["10.64.0.0/12", "10.96.0.0/12"], parseRoutes(table))).toBeUndefined();
  expect(findOverlap(["10.64.0.0/10", "10.96.0.0/12"], [])).toContain("overlap each other");
});
