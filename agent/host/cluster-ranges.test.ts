import { expect, test } from "vitest";
import { hasCode } from "../../lib/errors.js";
import { clusterRanges, type RangeOptions } from "./cluster-ranges.js";

const ipv4 = { podCIDR: "10.128.0.0/9", serviceCIDR: "10.96.0.0/12", podCIDRIPv6: "", serviceCIDRIPv6: "" };

test("without options the cluster has IPv4 alone", () => {
  expect(clusterRanges({})).toEqual(ipv4);
});

test("two ranges apart by a comma are one of each family, in either order and under Kubernetes' name too", () => {
  const want = {
    podCIDR: "10.8.0.0/16",
    serviceCIDR: "10.9.0.0/16",
    podCIDRIPv6: "fd00:10:8::/56",
    serviceCIDRIPv6: "fd00:10:9::/112",
  };
  const services = "10.9.0.0/16,fd00:10:9::/112";
  expect(clusterRanges({ "pod-cidr": "10.8.0.0/16,FD00:10:8:0::/56", "service-cidr": services })).toEqual(want);
  expect(clusterRanges({ "cluster-cidr": "fd00:10:8::/56, 10.8.0.0/16", "service-cidr": services })).toEqual(want);
});

// Each is one way to be wrong; the message names the option and what was wanted.
const both = "10.96.0.0/12,fd00:9::/108";
const wrong: readonly (readonly [RangeOptions, string])[] = [
  [
    { "pod-cidr": "10.0.0.0/8,10.64.0.0/10" },
    "--pod-cidr 10.0.0.0/8,10.64.0.0/10: want one range of each family at most, found two of IPv4",
  ],
  [
    { "pod-cidr": "fd00::/56" },
    "--pod-cidr fd00::/56: want a range of IPv4 too, such as 10.128.0.0/9,fd00::/56: hosts know each other by IPv4",
  ],
  [
    { "cluster-cidr": "10.0.0.0/8", "pod-cidr": "10.0.0.0/8" },
    "--cluster-cidr 10.0.0.0/8: it is another name of --pod-cidr: give one of them",
  ],
  [
    { "pod-cidr": "10.0.0.0/8,fd00::/56" },
    "--service-cidr: want a range of IPv6 too: pods and services have the same families",
  ],
  [{ "service-cidr": both }, "--pod-cidr: want a range of IPv6 too: pods and services have the same families"],
  [{ "pod-cidr": "10.0.0.1/8" }, "--pod-cidr 10.0.0.1/8: the address has bits beyond its prefix"],
  [{ "pod-cidr": "10.0.0.0/25" }, "--pod-cidr 10.0.0.0/25: want an IPv4 range such as 10.128.0.0/9"],
  [
    { "pod-cidr": "10.0.0.0/8,fd00::1/56", "service-cidr": both },
    "--pod-cidr fd00::1/56: the address has bits beyond its prefix",
  ],
  [{ "pod-cidr": "10.0.0.0/8,fd00::/65", "service-cidr": both }, "--pod-cidr fd00::/65: want a prefix of /48 to /64"],
  [{ "pod-cidr": "10.0.0.0/8,fd00::/47", "service-cidr": both }, "--pod-cidr fd00::/47: want a prefix of /48 to /64"],
  [
    { "pod-cidr": "10.0.0.0/8,fe80::/56", "service-cidr": both },
    "--pod-cidr fe80::/56: addresses of links and groups are nobody's to give",
  ],
  [
    { "pod-cidr": "10.0.0.0/8,fd00:x::/56", "service-cidr": both },
    "--pod-cidr fd00:x::/56: want an IPv6 range such as fd00:10:128::/56",
  ],
  [
    { "pod-cidr": "10.0.0.0/8,fd00::/56", "service-cidr": "10.96.0.0/12,fd00:9::/64" },
    "--service-cidr fd00:9::/64: want a prefix of /108 to /120",
  ],
];
for (const [options, message] of wrong) {
  test(`${message}`, () => {
    expect(() => clusterRanges(options)).toThrow(message);
    try {
      clusterRanges(options);
    } catch (error) {
      expect(hasCode(error, "invalid_argument")).toBe(true);
    }
  });
}
