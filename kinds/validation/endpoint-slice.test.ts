import { expect, test } from "vitest";
import { EndpointSlice } from "../../proto/gen/tallship/v1/endpointslice.js";
import { checkEndpointSlice } from "./endpoint-slice.js";
import { Findings } from "./findings.js";

const errors = (slice: Parameters<typeof EndpointSlice.fromPartial>[0]): readonly string[] => {
  const findings = new Findings();
  checkEndpointSlice(EndpointSlice.fromPartial(slice), findings);
  return findings.errors.map(({ path, message }) => `${path}: ${message}`);
};

// Whatever stands there becomes words for the kernel on every node.
const addresses = [
  { address: "10.64.0.2", want: [] },
  { address: "", want: ['endpoints[0].networks[0].address: want an IPv4 address, found ""'] },
  { address: "$(x)", want: ['endpoints[0].networks[0].address: want an IPv4 address, found "$(x)"'] },
  { address: "fd00::2", want: ['endpoints[0].networks[0].address: want an IPv4 address, found "fd00::2"'] },
];
for (const { address, want } of addresses)
  test(`an endpoint's address on a network: ${JSON.stringify(address)}`, () => {
    const endpoints = [{ addresses: ["10.64.0.2"], networks: [{ name: "back", address }] }];
    expect(errors({ addressType: "IPv4", endpoints })).toEqual(want);
  });

// A node that led clients there would lead them to itself.
const places = [
  { addressType: "IPv4", address: "192.0.2.7", range: undefined },
  { addressType: "IPv4", address: "127.0.0.1", range: "loopback (127.0.0.0/8)" },
  { addressType: "IPv4", address: "169.254.169.254", range: "link-local (169.254.0.0/16)" },
  { addressType: "IPv4", address: "0.0.0.0", range: "unspecified (0.0.0.0/8)" },
  { addressType: "IPv4", address: "224.0.0.1", range: "multicast (224.0.0.0/4)" },
  { addressType: "IPv6", address: "2001:db8::7", range: undefined },
  { addressType: "IPv6", address: "::1", range: "loopback (::1)" },
  { addressType: "IPv6", address: "::", range: "unspecified (::)" },
  { addressType: "IPv6", address: "febf::1", range: "link-local (fe80::/10)" },
  { addressType: "IPv6", address: "ff02::1", range: "multicast (ff00::/8)" },
  { addressType: "IPv6", address: "::ffff:127.0.0.1", range: "loopback (127.0.0.0/8)" },
];
for (const { addressType, address, range } of places)
  test(`an endpoint at ${address} is ${range === undefined ? "taken" : "refused"}`, () => {
    const want =
      range === undefined ? [] : [`endpoints[0].addresses[0]: may not be in the ${range} range, found ${address}`];
    expect(errors({ addressType, endpoints: [{ addresses: [address] }] })).toEqual(want);
  });
