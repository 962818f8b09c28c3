import type { Node } from "../../proto/gen/tallship/v1/node.js";
import type { Findings } from "./findings.js";

/** Taints that stand once per key and effect, and one first subnet. */
export function checkNode(node: Node, findings: Findings): void {
  const { spec } = node;
  if (spec === undefined) return;
  findings.unique(
    spec.taints.map(({ key, effect }) => `${key}:${effect}`),
    (index) => ["spec", "taints", index],
  );
  if (spec.podCIDR !== "" && spec.podCIDRs.length > 0 && spec.podCIDRs[0] !== spec.podCIDR)
    findings.add(
      "invalid",
      ["spec", "podCIDRs", 0],
      `want ${spec.podCIDR}, as podCIDR says, found ${spec.podCIDRs[0]}`,
    );
}
