import type { ObjectMeta } from "../proto/gen/tallship/v1/meta.js";
import type { KindName } from "./registry.js";

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
