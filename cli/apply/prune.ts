import type { ReadObject } from "../../kinds/read.js";
import { isKindName } from "../../kinds/registry.js";
import { TallshipError } from "../../lib/errors.js";
import type { ObjectName } from "../../proto/gen/tallship/v1/api.js";
import { ask } from "../ask.js";
import type { Shell } from "../shell.js";
import { objectText, refText } from "../targets.js";
import { usageError } from "../verb.js";
import { type Sending, sendSet } from "./send-set.js";
import { tellResults } from "./told.js";

/** What deleting is called where `--prune` does it. */
export const PRUNE_WORDS = { deleted: "pruned" } as const;

/**
 * The objects that the set has dropped, once the user has seen them and agreed. The server deletes exactly these, so that nothing goes that was not shown. Throws when
 * there is nobody to ask.
 */
export async function agreeToPrune(
  objects: readonly ReadObject[],
  sending: Sending,
  flags: { readonly yes: boolean },
): Promise<readonly ObjectName[]> {
  const { shell, set } = sending;
  if (set === "") throw usageError("--prune needs to know the set: name it with --set");
  const tried = await sendSet(objects, { ...sending, isDry: true, prune: [] });
  if (tried.results.some(({ outcome }) => outcome === "failed"))
    await tellResults(tried, objects, { shell, output: undefined, isDry: true });
  const { dropped } = tried;
  if (dropped.length === 0) return [];
  await shell.stderr.write(`no longer in set ${set}, to be deleted:\n`);
  for (const name of dropped) await shell.stderr.write(`  ${nameText(name)}\n`);
  if (flags.yes) return dropped;
  const count = dropped.length === 1 ? "this object" : `these ${dropped.length} objects`;
  if (!shell.stdin.isTerminal)
    throw new TallshipError("failed_precondition", `--prune asks before it deletes ${count}; --yes agrees`);
  if (await ask(shell, `delete ${count}?`)) return dropped;
  throw new TallshipError("failed_precondition", "not agreed to, nothing was sent");
}

/** What a selector leaves out of the files is no reason to delete it. */
export function refusePartialPrune({
  prune,
  selector,
}: {
  readonly prune: boolean;
  readonly selector: string | undefined;
}): void {
  if (prune && selector !== undefined) throw usageError("--prune needs the whole set: leave -l out");
}

/** Tells what `--prune` would delete. */
export async function tellDropped(dropped: readonly ObjectName[], shell: Shell): Promise<void> {
  const lines = dropped.map(({ kind, name }) => (isKindName(kind) ? refText(kind, name) : `${kind}/${name}`));
  await shell.stdout.write(lines.map((line) => `${line} pruned (server dry run)\n`).join(""));
}

function nameText({ kind, namespace, name }: ObjectName): string {
  return isKindName(kind) ? objectText(kind, namespace, name) : `${kind} ${name}`;
}
