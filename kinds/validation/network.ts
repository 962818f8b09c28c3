import type { Network, NetworkSpec } from "../../proto/gen/tallship/v1/network.js";
import { hasVni, ipv6SubnetError, ipv6SubnetOf, RESERVED_NETWORKS, subnetError } from "../network.js";
import type { Findings } from "./findings.js";

/** Names that mean something else where networks are listed, ranges that nodes can share, and what goes with which driver. Clashes are the API's business. */
export function checkNetwork({ metadata, spec }: Network, findings: Findings, previous: Network | undefined): void {
  const name = metadata?.name ?? "";
  if (RESERVED_NETWORKS.includes(name))
    findings.add("forbidden", ["metadata", "name"], `"${name}" is no name for a network: it has a meaning of its own`);
  if (name.includes(".") || name.length > 63)
    findings.add("invalid", ["metadata", "name"], "want at most 63 lower-case letters, digits and '-'");
  if (spec === undefined) {
    findings.add("required", ["spec"], "this field is required");
    return;
  }
  if (spec.vni !== undefined && !hasVni(spec))
    findings.add("forbidden", ["spec", "vni"], "only for driver overlay without encryption");
  checkRanges(spec, findings);
  checkFamilies(spec, findings);
  if (previous?.spec !== undefined) checkKept(spec, findings, previous.spec);
  const wrong = spec.subnet === "" ? undefined : subnetError(spec.subnet);
  if (wrong !== undefined) findings.add("invalid", ["spec", "subnet"], `${wrong}, found ${spec.subnet}`);
  if (spec.nodePrefixLength === undefined || spec.subnet === "" || wrong !== undefined) return;
  const length = Number(spec.subnet.split("/")[1]);
  if (spec.nodePrefixLength <= length || spec.nodePrefixLength > length + 12)
    findings.add(
      "invalid",
      ["spec", "nodePrefixLength"],
      `want ${length + 1} to ${Math.min(30, length + 12)} for ${spec.subnet}, found ${spec.nodePrefixLength}`,
    );
}

/** Pods have addresses of its ranges: they stay. To prefer what did not come to be, and not to any more, changes nothing. */
function checkKept({ subnets, ipFamilyPolicy }: NetworkSpec, findings: Findings, before: NetworkSpec): void {
  if (subnets.join() !== before.subnets.join())
    findings.add("immutable", ["spec", "subnets"], "this field cannot be changed");
  if (ipFamilyPolicy === "RequireDualStack" && ipv6SubnetOf(before) === undefined)
    findings.add("immutable", ["spec", "ipFamilyPolicy"], "the network was created with addresses of IPv4 alone");
}

/** One range of each family at most, that of IPv4 the one that stands alone too. */
function checkRanges({ subnet, subnets }: NetworkSpec, findings: Findings): void {
  const seen = new Set<string>();
  for (const [at, range] of subnets.entries()) {
    const family = range.includes(":") ? "IPv6" : "IPv4";
    const wrong = family === "IPv6" ? ipv6SubnetError(range) : subnetError(range);
    const path = ["spec", "subnets", at];
    if (wrong !== undefined) findings.add("invalid", path, `${wrong}, found ${range}`);
    else if (seen.has(family)) findings.add("invalid", path, `want one range of ${family}, found ${range} as well`);
    else if (family === "IPv4" && subnet !== "" && range !== subnet)
      findings.add("invalid", path, `want the range that spec.subnet says, ${subnet}, found ${range}`);
    seen.add(family);
  }
}

/** What is said of families fits the ranges. Whether the cluster has both the server says. */
function checkFamilies(spec: NetworkSpec, findings: Findings): void {
  const { ipFamilyPolicy: policy } = spec;
  if (policy === "SingleStack" && ipv6SubnetOf(spec) !== undefined)
    findings.add(
      "invalid",
      ["spec", "ipFamilyPolicy"],
      `must be RequireDualStack or PreferDualStack when subnets has a range of IPv6, found "${policy}"`,
    );
}
