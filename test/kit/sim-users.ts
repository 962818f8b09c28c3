import { type HeldIds, nodeIdRange } from "../../agent/userns/pod-ids.js";
import type { UserEdges } from "../../agent/userns/pod-namespaces.js";

/** A host whose kernel has user namespaces; what is saved lasts as long as this. */
export function simUsers(refusal?: string): UserEdges {
  let held: HeldIds = new Map();
  return {
    range: nodeIdRange("", ""),
    refusal,
    load: () => held,
    save: async (next) => {
      held = next;
    },
    pin: async () => undefined,
    unpin: async () => undefined,
  };
}
