import { expect, test } from "vitest";
import { parseUnderlay } from "./ip-parse.js";

const HOLDERS = JSON.stringify([{ ifname: "eth0", mtu: 1_500, addr_info: [{ local: "192.168.9.1", prefixlen: 24 }] }]);
const underlay = (addresses: readonly object[]) =>
  parseUnderlay(
    "192.168.9.1",
    HOLDERS,
    JSON.stringify([
      { ifname: "lo", addr_info: [{ local: "::1", scope: "host" }] },
      { ifname: "eth0", addr_info: addresses },
      { ifname: "eth1", addr_info: [global("2001:db8:1::1"), link("fe80::9")] },
    ]),
  );
const link = (local: string, more: object = {}): object => ({ local, scope: "link", ...more });
const global = (local: string, more: object = {}): object => ({ local, scope: "global", ...more });

const links = [
  { what: "the only one", addresses: [link("fe80::2")], want: "fe80::2" },
  { what: "the first of two", addresses: [link("fe80::2"), link("fe80::1")], want: "fe80::1" },
  { what: "beside global ones", addresses: [global("2001:db8::1"), link("fe80::2")], want: "fe80::2" },
  { what: "not one that may be another's", addresses: [link("fe80::2", { tentative: true })], want: undefined },
  { what: "not one that is another's", addresses: [link("fe80::2", { dadfailed: true })], want: undefined },
  { what: "none of a device that has none", addresses: [], want: undefined },
];
for (const { what, addresses, want } of links)
  test(`a host's address of IPv6 on its link is told: ${what}`, () => {
    expect(underlay(addresses)?.linkIpv6).toBe(want);
  });

// The order of the kernel, which has the latest first, is not that of those who are told.
const hosts = [
  { what: "none", addresses: [link("fe80::2")], want: undefined },
  { what: "every one", addresses: [global("fd00::7"), global("2001:db8::1")], want: ["2001:db8::1", "fd00::7"] },
  {
    what: "those last that change by themselves or are about to go",
    addresses: [
      global("2001:db8::1", { temporary: true }),
      global("2001:db8::2", { deprecated: true }),
      global("2001:db8::3"),
    ],
    want: ["2001:db8::3", "2001:db8::1", "2001:db8::2"],
  },
  {
    what: "none that may be another's, or is",
    addresses: [global("2001:db8::1", { tentative: true }), global("2001:db8::2", { dadfailed: true })],
    want: undefined,
  },
];
for (const { what, addresses, want } of hosts)
  test(`at which addresses of IPv6 a host is reached is told: ${what}`, () => {
    expect(underlay(addresses)?.hostIpv6).toEqual(want);
  });

// Whom it is asked of, and what else the device has.
const beside = [
  { what: "none", of: "192.168.9.1", more: [], want: undefined },
  {
    what: "those of whatever range, sorted",
    of: "192.168.9.1",
    more: [
      { local: "192.168.9.20", prefixlen: 24, scope: "global", secondary: true },
      { local: "10.1.2.3", prefixlen: 8, scope: "global" },
    ],
    want: ["10.1.2.3", "192.168.9.20"],
  },
  {
    what: "none that holds on the link or the host alone",
    of: "192.168.9.1",
    more: [
      { local: "169.254.1.1", prefixlen: 16, scope: "link" },
      { local: "10.9.9.9", prefixlen: 32, scope: "host" },
    ],
    want: undefined,
  },
];
for (const { what, of, more, want } of beside)
  test(`at which addresses of IPv4 beside its own a host is reached is told: ${what}`, () => {
    const own = { local: "192.168.9.1", prefixlen: 24, scope: "global" };
    const json = JSON.stringify([{}, { ifname: "eth0", mtu: 1_500, addr_info: [...more, own] }]);
    expect(parseUnderlay(of, json)).toEqual({
      ...{ device: "eth0", mtu: 1_500, prefixLength: 24 },
      ...(want && { hostIpv4: want }),
    });
    expect(parseUnderlay("192.168.9.77", json)).toBeUndefined();
  });
