import { mergePatch } from "../change/change.js";
import { type ChangeFlags, withChanges } from "../change/each.js";
import type { Shell } from "../shell.js";
import { refText } from "../targets.js";
import { usageError } from "../verb.js";
import { chosenNodes, type NodeChoice, readNodeNames } from "./chosen-nodes.js";
import { isSameTaint, readTaintWish, type TaintWish, wishedTaints } from "./taint-wishes.js";

/** What `taint` was asked. */
export interface TaintFlags extends ChangeFlags, NodeChoice {
  readonly overwrite: boolean;
}

/** Sets and removes taints of nodes; an existing value only with --overwrite. */
export async function runTaint(
  { flags, operands }: { readonly flags: TaintFlags; readonly operands: readonly string[] },
  shell: Shell,
): Promise<number> {
  // Nodes' names have neither of these marks, and every taint has one.
  const isTaint = (operand: string): boolean => /[=:]/.test(operand) || operand.endsWith("-");
  const at = operands.findIndex(isTaint);
  const wishes = (at === -1 ? [] : operands.slice(at)).map(readTaintWish);
  const names = readNodeNames(at === -1 ? operands : operands.slice(0, at), flags);
  if (wishes.length === 0) throw usageError("say what to change: KEY=VALUE:EFFECT sets a taint, KEY- removes it");
  const doubled = wishes.find((wish, index) => wishes.slice(0, index).some((other) => isSameTaint(wish, other)));
  if (doubled !== undefined) throw usageError(`taint ${doubled.key} is given twice`);
  return withChanges(flags, shell, async ({ cluster, each }) => {
    const keys = await chosenNodes({ shell, cluster, flags }, names);
    return each(keys, ({ name }) => ({
      plan: (live) => {
        const before = live.kind === "Node" ? (live.object.spec?.taints ?? []) : [];
        const rules = { ref: refText("Node", name), isOverwriting: flags.overwrite };
        const after = wishedTaints(before, wishes, rules);
        if (after === before) return undefined;
        return mergePatch({ spec: { taints: after.map(({ timeAdded, ...taint }) => withTime(taint, timeAdded)) } });
      },
      told: ({ isChanged }) => (isChanged ? wordFor(wishes) : "not tainted: it is so already"),
    }));
  });
}

function withTime(taint: Record<string, string>, timeAdded: string): Record<string, string> {
  return timeAdded === "" ? taint : { ...taint, timeAdded };
}

/** As kubectl says it. */
function wordFor(wishes: readonly TaintWish[]): string {
  if (wishes.every(({ is }) => is === "set")) return "tainted";
  return wishes.every(({ is }) => is === "remove") ? "untainted" : "modified";
}
