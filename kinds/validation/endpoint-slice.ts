import type { EndpointSlice } from "../../proto/gen/tallship/v1/endpointslice.js";
import { formatError } from "../formats.js";
import { isIpv4, isIpv6, specialRange } from "../ip.js";
import type { Findings, Path } from "./findings.js";

/** Addresses of the slice's family, and ports with names of their own. */
export function checkEndpointSlice(slice: EndpointSlice, findings: Findings): void {
  const isFine = FAMILIES[slice.addressType];
  for (const [index, endpoint] of slice.endpoints.entries()) {
    if (endpoint.addresses.length === 0)
      findings.add("required", ["endpoints", index, "addresses"], "an endpoint has an address");
    for (const [at, address] of endpoint.addresses.entries())
      if (isFine !== undefined && !isFine(address))
        findings.add(
          "invalid",
          ["endpoints", index, "addresses", at],
          `want an ${slice.addressType} address, found ${JSON.stringify(address)}`,
        );
      else checkReach(address, ["endpoints", index, "addresses", at], findings);
    for (const [at, { address }] of endpoint.networks.entries()) {
      checkReach(address, ["endpoints", index, "networks", at, "address"], findings);
      if (!isIpv4(address))
        findings.add(
          "invalid",
          ["endpoints", index, "networks", at, "address"],
          `want an IPv4 address, found ${JSON.stringify(address)}`,
        );
    }
  }
  const names = slice.ports.map(({ name }) => name || "(empty)");
  findings.unique(slice.ports.length > 1 ? names : [], (index) => ["ports", index, "name"]);
}

/** Every node would lead clients to itself, past what keeps them from its own services. */
function checkReach(address: string, path: Path, findings: Findings): void {
  const range = specialRange(address);
  if (range !== undefined) findings.add("invalid", path, `may not be in the ${range} range, found ${address}`);
}

const FAMILIES: Readonly<Record<string, (text: string) => boolean>> = {
  IPv4: isIpv4,
  IPv6: isIpv6,
  FQDN: (text) => formatError("dnsSubdomain", text) === undefined,
};
