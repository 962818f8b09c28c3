import { expect, test } from "vitest";
import { parseUnderlay } from "./ip-parse.js";

const HOLDERS = JSON.stringify([{ ifname: "eth0", mtu: 1_500, addr_info: [{ local: "192.168.9.1", prefixlen: 24 }] }]);
const linkIpv6 = (...addresses: readonly object[]): string | undefined =>
  parseUnderlay(HOLDERS, JSON.stringify([{ ifname: "eth0", addr_info: addresses }]))?.linkIpv6;

// As ip prints them: addresses of other scopes leave empty rows.
const rows = [
  { what: "the only one", links: [{ local: "fe80::2" }], want: "fe80::2" },
  { what: "the first of two", links: [{ local: "fe80::2" }, { local: "fe80::1" }], want: "fe80::1" },
  { what: "beside global ones", links: [{}, { local: "fe80::2" }], want: "fe80::2" },
  { what: "not one that may be another's", links: [{ local: "fe80::2", tentative: true }], want: undefined },
  { what: "not one that is another's", links: [{ local: "fe80::2", dadfailed: true }], want: undefined },
  { what: "none of a device that has none", links: [], want: undefined },
];
for (const { what, links, want } of rows)
  test(`a host's address of IPv6 on its link is told: ${what}`, () => {
    expect(linkIpv6(...links)).toBe(want);
  });
