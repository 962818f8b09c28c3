import { mergePatch } from "../change/change.js";
import { type Change, type ChangeFlags, withChanges } from "../change/each.js";
import type { Shell } from "../shell.js";
import { chosenNodes, type NodeChoice, readNodeNames } from "./chosen-nodes.js";

/** What `cordon` or `uncordon` was asked. */
export interface CordonFlags extends ChangeFlags, NodeChoice {}

/** Closes nodes for new pods, or opens them again. Pods that run there are left alone. Twice is once. */
export async function runCordon(
  { flags, operands }: { readonly flags: CordonFlags; readonly operands: readonly string[] },
  shell: Shell,
  isCordoned: boolean,
): Promise<number> {
  const names = readNodeNames(operands, flags);
  return withChanges(flags, shell, async ({ cluster, each }) => {
    const keys = await chosenNodes({ shell, cluster, flags }, names);
    return each(keys, () => cordonChange(isCordoned));
  });
}

/** The change of a node that closes or opens it, and the words for it. */
export function cordonChange(isCordoned: boolean): Change {
  const word = isCordoned ? "cordoned" : "uncordoned";
  return {
    plan: (live) =>
      live.kind === "Node" && (live.object.spec?.unschedulable ?? false) === isCordoned
        ? undefined
        : mergePatch({ spec: { unschedulable: isCordoned ? true : null } }),
    told: ({ isChanged }) => (isChanged ? word : `already ${word}`),
  };
}
