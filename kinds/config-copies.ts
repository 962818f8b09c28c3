import type { ObjectMeta } from "../proto/gen/tallship/v1/meta.js";
import type { KindName } from "./registry.js";

/** On a copy of a ConfigMap or Secret: the name of the object that it was made of. Controllers alone set it. */
export const COPY_OF = "tallship.dev/copy-of";

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
