import { metaOf, type Typed } from "../../kinds/object.js";
import { TallshipError } from "../../lib/errors.js";
import { mergePatch } from "../change/change.js";
import { type ChangeChosenFlags, changeChosen } from "../change/each.js";
import { checkChoice, chosenKeys } from "../chosen.js";
import { withCluster } from "../cluster.js";
import { EXIT } from "../exit-codes.js";
import { getObject } from "../objects.js";
import { safeText } from "../safe-text.js";
import type { Shell } from "../shell.js";
import { refText } from "../targets.js";
import { usageError } from "../verb.js";

/** What `label` or `annotate` was asked. */
export interface LabelFlags extends ChangeChosenFlags {
  readonly overwrite: boolean;
  readonly list: boolean;
}

/** Which map of the metadata is meant, and the words for it. */
export interface LabelKind {
  readonly field: "labels" | "annotations";
  readonly noun: string;
  readonly told: string;
  /** Where nothing but removals were asked for. */
  readonly removed: string;
  readonly unchanged: string;
}

/** Sets (`key=value`) and removes (`key-`) labels or annotations; an existing value only with --overwrite. */
export async function runLabel(
  call: { readonly flags: LabelFlags; readonly operands: readonly string[] },
  shell: Shell,
  what: LabelKind,
): Promise<number> {
  const { flags } = call;
  const { objects, pairs } = splitPairs(call.operands);
  const wishes = pairs.map((pair) => readWish(pair, what));
  const doubled = wishes.find(({ key }, at) => wishes.findIndex((other) => other.key === key) !== at);
  if (doubled !== undefined) throw usageError(`${what.noun} ${doubled.key} is given twice`);
  if (flags.list) {
    if (wishes.length > 0) throw usageError("--list changes nothing: leave the pairs out");
    return listThem({ flags, objects, shell }, what);
  }
  if (wishes.length === 0) throw usageError(`say what to change: KEY=VALUE sets a ${what.noun}, KEY- removes one`);
  const isRemoval = !flags.overwrite && wishes.every(({ value }) => value === undefined);
  const done = isRemoval ? what.removed : what.told;
  return changeChosen({ flags, operands: objects }, shell, {
    plan: (live) => {
      refuseOverwrite(live, wishes, { what, isAllowed: flags.overwrite });
      return mergePatch({
        metadata: { [what.field]: Object.fromEntries(wishes.map(({ key, value }) => [key, value ?? null])) },
      });
    },
    told: ({ isChanged }) => (isChanged ? done : what.unchanged),
  });
}

/** One pair; without a value the key is to go. */
interface Wish {
  readonly key: string;
  readonly value: string | undefined;
}

/** Objects stand first, then the pairs: names have no "=" and do not end in "-". */
export function splitPairs(operands: readonly string[]): {
  readonly objects: readonly string[];
  readonly pairs: readonly string[];
} {
  const found = operands.findIndex((operand) => operand.includes("=") || operand.endsWith("-"));
  const first = found === -1 ? operands.length : found;
  return { objects: operands.slice(0, first), pairs: operands.slice(first) };
}

function readWish(pair: string, { noun }: LabelKind): Wish {
  const equals = pair.indexOf("=");
  if (equals > 0) return { key: pair.slice(0, equals), value: pair.slice(equals + 1) };
  if (equals === -1 && pair.endsWith("-") && pair.length > 1) return { key: pair.slice(0, -1), value: undefined };
  throw usageError(`"${pair}" is neither KEY=VALUE nor KEY-, after the first ${noun}`);
}

function refuseOverwrite(
  live: Typed,
  wishes: readonly Wish[],
  { what, isAllowed }: { readonly what: LabelKind; readonly isAllowed: boolean },
): void {
  if (isAllowed) return;
  const { name, [what.field]: held } = metaOf(live.object);
  for (const { key, value } of wishes) {
    const there = Object.hasOwn(held, key) ? held[key] : undefined;
    if (there === undefined || value === undefined || there === value) continue;
    const ref = refText(live.kind, name);
    throw new TallshipError(
      "failed_precondition",
      `${ref}: ${what.noun} '${key}' already has a value (${there}), and --overwrite is false`,
    );
  }
}

async function listThem(
  { flags, objects, shell }: { readonly flags: LabelFlags; readonly objects: readonly string[]; readonly shell: Shell },
  { field }: LabelKind,
): Promise<number> {
  checkChoice(flags, objects);
  return withCluster(shell, flags, async (cluster) => {
    const keys = await chosenKeys({ shell, cluster, flags }, objects);
    for (const key of keys) {
      const held = metaOf(await getObject(cluster, key, shell.signal))[field];
      const lines = Object.keys(held)
        .sort()
        .map((name) => `${name}=${held[name]}\n`);
      const heading = keys.length > 1 ? `${refText(key.kind, key.name)}:\n` : "";
      await shell.stdout.write(safeText(`${heading}${lines.join("")}`));
    }
    return EXIT.ok;
  });
}
