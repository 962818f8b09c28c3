import { subnetsOf } from "../../../kinds/network.js";
import type { Typed } from "../../../kinds/object.js";
import type { NetworkSpec } from "../../../proto/gen/tallship/v1/network.js";
import { canonicalRange } from "../taken/network-ranges.js";
import { withParts } from "./parts.js";

/** A network's ranges and identifier, which it was given as it was created. */
export function carryNetwork(wanted: Typed<"Network">, live: Typed<"Network">): Typed {
  const { spec } = wanted.object;
  const before = live.object.spec;
  if (spec === undefined || before === undefined) return wanted;
  const subnet = spec.subnet || before.subnet;
  return withParts(wanted, {
    spec: { ...spec, subnet, subnets: carryRanges(spec, before), vni: spec.vni ?? before.vni },
  });
}

/**
 * A manifest names some of the ranges, spelled as it likes; those stand for all that the network has. So does one of IPv6 for none, where that was
 * only preferred and the network went without.
 */
function carryRanges(spec: NetworkSpec, before: NetworkSpec): readonly string[] {
  const held = subnetsOf(before);
  const wentWithout = spec.ipFamilyPolicy === "PreferDualStack" && !held.some(isOfIpv6);
  const isSaid = spec.subnets.every(
    (range) => held.includes(canonicalRange(range)) || (wentWithout && isOfIpv6(range)),
  );
  return isSaid ? before.subnets : spec.subnets;
}

function isOfIpv6(range: string): boolean {
  return range.includes(":");
}
