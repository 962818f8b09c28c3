import { ConfigMap } from "../proto/gen/tallship/v1/configmap.js";
import type { ObjectMeta } from "../proto/gen/tallship/v1/meta.js";
import { Secret } from "../proto/gen/tallship/v1/secret.js";
import type { ConfigKind } from "./config-uses.js";
import type { KindMap, KindName } from "./registry.js";

/** On a copy of a ConfigMap or Secret: the name of the object that it was made of. Controllers alone set it. */
export const COPY_OF = "tallship.dev/copy-of";
/** On a replica set or controller revision: its pins, as key=name, separated by commas. No name holds either character. */
export const PINS = "tallship.dev/config-pins";
/** On a workload that was taken back by hand: the revision whose content its pods take instead of the newest. */
export const UNDONE_TO = "tallship.dev/undone-to";
/** On the same workload: the pins of the content that it was taken back from. The undo ends with the first content that is another. */
export const UNDONE_FROM = "tallship.dev/undone-from";

/** True for kinds of which there are copies. */
export function hasCopies(kind: KindName): boolean {
  return kind === "ConfigMap" || kind === "Secret";
}

/**
 * True for a copy that a revision of a workload keeps: the cluster's own, which lists and quotas leave out and which goes with its last
 * revision. One that was orphaned is an object like any other, for nobody else would ever remove it.
 */
export function isKeptCopy(kind: KindName, meta: ObjectMeta | undefined): boolean {
  return hasCopies(kind) && meta?.labels[COPY_OF] !== undefined && meta.ownerReferences.length > 0;
}

/** Which copies a revision's pods take their values from: by configKey, the copy's name. */
export type Pins = Readonly<Record<string, string>>;

/** What a change of a ConfigMap or Secret means for a workload whose pods use it. */
export type ConfigChange = "roll" | "live" | "none";

/** On a workload: roll (the default), live or none. */
export const CONFIG_CHANGE = "tallship.dev/config-change";

/** What the workload's annotation asks for. Anything that is no word of ours counts as the default. */
export function configChangeOf({ annotations }: ObjectMeta): ConfigChange {
  const asked = annotations[CONFIG_CHANGE];
  return asked === "live" || asked === "none" ? asked : "roll";
}

/** The pins in annotations; none when there are none. */
export function pinsIn(annotations: ObjectMeta["annotations"]): Pins {
  const pairs = (annotations[PINS] ?? "").split(",").map((pair) => pair.split("="));
  return Object.fromEntries(pairs.flatMap(([key = "", name = ""]) => (key === "" || name === "" ? [] : [[key, name]])));
}

/** What pods see of a config, as an object without metadata: its values, of the keys named or all, and of a secret also its type. */
export function configContent(config: KindMap[ConfigKind], keys: ReadonlySet<string> | undefined): KindMap[ConfigKind] {
  const isUsed = ([key]: readonly [string, unknown]): boolean => keys?.has(key) ?? true;
  if ("binaryData" in config) {
    const data = Object.fromEntries(Object.entries(config.data).filter(isUsed));
    const binaryData = Object.fromEntries(Object.entries(config.binaryData).filter(isUsed));
    return ConfigMap.fromPartial({ data, binaryData, immutable: true });
  }
  const data = Object.fromEntries(Object.entries(config.data).filter(isUsed));
  return Secret.fromPartial({ data, type: config.type, immutable: true });
}
