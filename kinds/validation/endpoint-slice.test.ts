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
