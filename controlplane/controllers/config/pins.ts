import { type ConfigChange, configChangeOf, PINS, type Pins } from "../../../kinds/config-copies.js";
import { type ConfigKind, configKey, configUses } from "../../../kinds/config-uses.js";
import type { ObjectMeta } from "../../../proto/gen/tallship/v1/meta.js";
import type { PodSpec } from "../../../proto/gen/tallship/v1/pod.js";
import type { View } from "../../cache/view.js";
import { type ConfigCopy, copyOf, type Digest } from "./copy.js";

/** In pins: the same object where it is mounted whole. */
const WHOLE = "volume:";

/** The pins of a revision that is made now, and the copies that they name. */
export interface WantedPins {
  readonly change: ConfigChange;
  readonly pins: Pins;
  readonly copies: readonly ConfigCopy[];
}

/** What pins a pod template asks for: nothing with live, with none also what is mounted whole. Configs that do not exist are not pinned. */
export function wantedPins(
  owner: ObjectMeta,
  spec: PodSpec | undefined,
  { view, digest }: { readonly view: View; readonly digest: Digest },
): WantedPins {
  const change = configChangeOf(owner);
  const copies = new Map<string, ConfigCopy>();
  for (const [key, { kind, name, keys }] of usesByPin(spec, change)) {
    const original = view.get(kind, owner.namespace, name);
    if (original === undefined) continue;
    const copy = copyOf(kind, original, keys, digest);
    const standing = view.get(kind, owner.namespace, copy.name);
    // Somebody else's object of that name would be taken for the content: then the pods take the original itself.
    if (standing === undefined || copy.isIn(standing)) copies.set(key, copy);
  }
  const pins = Object.fromEntries(Array.from(copies, ([key, { name }]) => [key, name]));
  return { change, pins, copies: [...copies.values()] };
}

/** True when a revision with these pins need not be replaced for its content. What one side does not know does not count. */
export function agree(pins: Pins, wanted: WantedPins): boolean {
  if (wanted.change !== "roll") return true;
  return Object.entries(wanted.pins).every(([key, name]) => pins[key] === undefined || pins[key] === name);
}

/** The pins that a revision in use should have: its own, and those of configs that have appeared since; none that are not asked for. */
export function keptPins(pins: Pins, spec: PodSpec | undefined, wanted: WantedPins): Pins {
  const asked = [...usesByPin(spec, wanted.change).keys()];
  return Object.fromEntries(
    asked.flatMap((key) => {
      const name = pins[key] ?? wanted.pins[key];
      return name === undefined ? [] : [[key, name]];
    }),
  );
}

/** Annotations that hold these pins; without the annotation when there are none. */
export function withPins(annotations: ObjectMeta["annotations"], pins: Pins): ObjectMeta["annotations"] {
  const { [PINS]: _before, ...others } = annotations;
  const text = pinsText(pins);
  return text === "" ? others : { ...others, [PINS]: text };
}

/** Pins as an annotation holds them, the same for the same pins in any order. */
export function pinsText(pins: Pins): string {
  return Object.entries(pins)
    .map(([key, name]) => `${key}=${name}`)
    .sort()
    .join(",");
}

/** The pin that holds where a config comes in; undefined when pods take the original. */
export function pinFor(
  pins: Pins,
  { kind, name, isWhole }: { readonly kind: ConfigKind; readonly name: string; readonly isWhole: boolean },
): string | undefined {
  return pins[pinKey(kind, name, isWhole)];
}

interface Pinned {
  readonly kind: ConfigKind;
  readonly name: string;
  /** The keys that are used; undefined: all. */
  readonly keys: ReadonlySet<string> | undefined;
}

/** What is pinned, by its key in pins: all uses of one object together, those that are mounted whole for themselves. */
function usesByPin(spec: PodSpec | undefined, change: ConfigChange): ReadonlyMap<string, Pinned> {
  const pinned = new Map<string, Pinned>();
  if (change === "live") return pinned;
  for (const { kind, name, how, keys } of configUses(spec)) {
    const isWhole = how === "volume";
    if (isWhole && change === "roll") continue;
    const key = pinKey(kind, name, isWhole);
    const before = pinned.get(key);
    const isAll = keys === undefined || (before !== undefined && before.keys === undefined);
    pinned.set(key, { kind, name, keys: isAll ? undefined : new Set([...(before?.keys ?? []), ...keys]) });
  }
  return pinned;
}

function pinKey(kind: ConfigKind, name: string, isWhole: boolean): string {
  return `${isWhole ? WHOLE : ""}${configKey(kind, name)}`;
}
