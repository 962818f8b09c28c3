import type { Node } from "../../proto/gen/tallship/v1/node.js";
import { familyOf, isAddress } from "../family.js";

/** Every address at which a host of the cluster is reached. */
export function hostsOf(nodes: Iterable<Node>): ReadonlySet<string> {
  const found = new Set<string>();
  for (const { status } of nodes) {
    const listed = (status?.addresses ?? []).map(({ address }) => address);
    for (const address of [status?.overlay?.underlayIP ?? "", ...listed])
      if (isAddress(familyOf(address), address)) found.add(address);
  }
  return found;
}
