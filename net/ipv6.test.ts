import fc from "fast-check";
import { expect, test } from "vitest";
import {
  containsIpv6,
  formatIpv6,
  formatIpv6Subnet,
  ipv6GatewayOf,
  maskedIpv6Subnet,
  parseIpv6,
  parseIpv6Subnet,
  podIpv6,
} from "./ipv6.js";

// As inet_ntop writes them, since what the kernel says is compared with what was planned: one run of two zeros or more is shortened, the longest, of equals the first.
const rows: readonly (readonly [string, string])[] = [
  ["FD00:0:0:0::1", "fd00::1"],
  ["fd00:1:0:0:0:0:a80:2", "fd00:1::a80:2"],
  ["fd00:1:0:2:0:0:a80:2", "fd00:1:0:2::a80:2"],
  ["1:0:0:2:3:0:0:4", "1::2:3:0:0:4"],
  ["1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"],
  ["::", "::"],
  ["::1", "::1"],
  ["fe80::", "fe80::"],
];
for (const [text, want] of rows) {
  test(`${text} is written ${want}`, () => {
    expect(formatIpv6(parseIpv6(text) ?? -1n)).toBe(want);
  });
}

test("every address is read as it is written", () => {
  const address = fc.bigInt({ min: 0n, max: 2n ** 128n - 1n });
  const sparse = fc
    .array(fc.constantFrom(0n, 0n, 1n, 0xffffn), { minLength: 8, maxLength: 8 })
    .map((words) => words.reduce<bigint>((value, word) => (value << 16n) + word, 0n));
  fc.assert(
    fc.property(fc.oneof(address, sparse), (value) => {
      expect(parseIpv6(formatIpv6(value))).toBe(value);
    }),
  );
});

test("a subnet holds exactly the addresses that share its prefix", () => {
  const address = fc.bigInt({ min: 0n, max: 2n ** 128n - 1n });
  fc.assert(
    fc.property(address, address, fc.integer({ min: 0, max: 128 }), (one, other, length) => {
      const subnet = maskedIpv6Subnet(`${formatIpv6(one)}/${length}`);
      const bits = BigInt(128 - length);
      expect(subnet !== undefined && containsIpv6(subnet, other)).toBe(one >> bits === other >> bits);
      expect(subnet !== undefined && parseIpv6Subnet(formatIpv6Subnet(subnet))).toEqual(subnet);
    }),
  );
});

test("what has host bits or is of the other family is no subnet", () => {
  for (const text of ["fd00::1/64", "10.0.0.0/8", "fd00::/129", "fd00::", "nonsense/64"])
    expect(parseIpv6Subnet(text)).toBeUndefined();
});

test("a pod's address tells its IPv4 address, and is never the gateway's", () => {
  expect(podIpv6("fd00:10:128:4::/64", "10.128.4.9")).toBe("fd00:10:128:4::a80:409");
  expect(ipv6GatewayOf("fd00:10:128:4::/64")).toBe("fd00:10:128:4::1");
});
