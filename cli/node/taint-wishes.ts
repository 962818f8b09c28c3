import { TallshipError } from "../../lib/errors.js";
import type { Taint } from "../../proto/gen/tallship/v1/node.js";
import { usageError } from "../verb.js";

/** One change of a node's taints. */
export type TaintWish =
  | { readonly is: "set"; readonly key: string; readonly value: string; readonly effect: string }
  /** An empty effect: every taint of the key. */
  | { readonly is: "remove"; readonly key: string; readonly effect: string };

const EFFECTS: readonly string[] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

/** Reads `KEY=VALUE:EFFECT`, `KEY:EFFECT`, `KEY:EFFECT-` and `KEY-`. Throws usage errors. */
export function readTaintWish(text: string): TaintWish {
  const isRemoval = text.endsWith("-");
  const { key, value, effect } = splitTaint(isRemoval ? text.slice(0, -1) : text);
  if (key === "" || (effect === "" && !isRemoval))
    throw usageError(`"${text}" is no taint: write KEY=VALUE:EFFECT, KEY:EFFECT, or KEY- and KEY:EFFECT- to remove`);
  if (effect !== "" && !EFFECTS.includes(effect))
    throw usageError(`"${text}": the effect is one of ${EFFECTS.join(", ")}, not "${effect}"`);
  return isRemoval ? { is: "remove", key, effect } : { is: "set", key, value, effect };
}

function splitTaint(text: string): { readonly key: string; readonly value: string; readonly effect: string } {
  const colon = text.lastIndexOf(":");
  const pair = colon === -1 ? text : text.slice(0, colon);
  const equals = pair.indexOf("=");
  return {
    key: equals === -1 ? pair : pair.slice(0, equals),
    value: equals === -1 ? "" : pair.slice(equals + 1),
    effect: colon === -1 ? "" : text.slice(colon + 1),
  };
}

/** True when two wishes are about one taint: which of them should hold nobody can say. */
export function isSameTaint(left: TaintWish, right: TaintWish): boolean {
  return left.key === right.key && (left.effect === right.effect || left.effect === "" || right.effect === "");
}

/**
 * A node's taints after the wishes; the very same list when nothing changes. A taint that stays as it is keeps its time. Throws when a taint
 * to be removed is not there, and, without `overwrite`, when another value stands.
 */
export function wishedTaints(
  before: readonly Taint[],
  wishes: readonly TaintWish[],
  { ref, isOverwriting }: { readonly ref: string; readonly isOverwriting: boolean },
): readonly Taint[] {
  let after = before;
  for (const wish of wishes) {
    const matching = after.filter(
      ({ key, effect }) => key === wish.key && (wish.effect === "" || effect === wish.effect),
    );
    if (wish.is === "remove") {
      if (matching.length === 0) throw new TallshipError("not_found", `${ref}: taint "${wishText(wish)}" not found`);
      after = after.filter((taint) => !matching.includes(taint));
      continue;
    }
    const [held] = matching;
    if (held?.value === wish.value) continue;
    if (held !== undefined && !isOverwriting)
      throw new TallshipError(
        "failed_precondition",
        `${ref} already has taint ${held.key}=${held.value}:${held.effect}, and --overwrite is false`,
      );
    const { key, value, effect } = wish;
    after = [...after.filter((taint) => taint !== held), { key, value, effect, timeAdded: "" }];
  }
  return after;
}

function wishText({ key, effect }: TaintWish): string {
  return effect === "" ? key : `${key}:${effect}`;
}
