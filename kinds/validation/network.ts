import type { Network } from "../../proto/gen/tallship/v1/network.js";
import { DEFAULT_NETWORK, hasVni, NO_NETWORK, subnetError } from "../network.js";
import type { Findings } from "./findings.js";

/** Names that mean something else where networks are listed, ranges that nodes can share, and what goes with which driver. Clashes are the API's business. */
export function checkNetwork({ metadata, spec }: Network, findings: Findings): void {
  const name = metadata?.name ?? "";
  if ([DEFAULT_NETWORK, NO_NETWORK, "host"].includes(name))
    findings.add("forbidden", ["metadata", "name"], `"${name}" is no name for a network: it has a meaning of its own`);
  if (name.includes(".") || name.length > 63)
    findings.add("invalid", ["metadata", "name"], "want at most 63 lower-case letters, digits and '-'");
  if (spec === undefined) {
    findings.add("required", ["spec"], "this field is required");
    return;
  }
  if (spec.vni !== undefined && !hasVni(spec))
    findings.add("forbidden", ["spec", "vni"], "only for driver overlay without encryption");
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
