import { matchesSelector } from "../../kinds/label-selector.js";
import { metaOf } from "../../kinds/object.js";
import { isDeleting } from "../../kinds/pod-state.js";
import type { KindName } from "../../kinds/registry.js";
import type { LabelSelector } from "../../proto/gen/tallship/v1/meta.js";
import type { Cached, View } from "../cache/view.js";
import type { ObjectWrite } from "./controller.js";
import { controllerOf, controllerReference, replaceMeta } from "./writes.js";

/** The objects that an owner controls, and the writes that make it so. */
export interface Claimed<K extends KindName> {
  readonly owned: readonly Cached<K>[];
  /** Adoptions and releases; what they concern is not among `owned` until they have happened. */
  readonly writes: readonly ObjectWrite[];
}

/**
 * As in Kubernetes: an owner controls what names it and matches its selector. What no longer matches is released (so a pod can be taken aside
 * by changing a label), and what matches and is controlled by nobody is adopted.
 */
export function claim<K extends KindName>(
  owner: Cached,
  kind: K,
  selector: LabelSelector | undefined,
  view: View,
): Claimed<K> {
  const { uid, namespace } = metaOf(owner.object);
  const owned: Cached<K>[] = [];
  const writes: ObjectWrite[] = [];
  for (const child of view.ownedBy(kind, uid)) {
    const meta = metaOf(child.object);
    if (isDeleting(child.object) || matchesSelector(selector, meta.labels)) owned.push(child);
    else
      writes.push(replaceMeta(child, { ...meta, ownerReferences: meta.ownerReferences.filter((o) => o.uid !== uid) }));
  }
  if (selector === undefined || isDeleting(owner.object)) return { owned, writes };
  for (const candidate of view.withLabels(kind, namespace, selector.matchLabels)) {
    const meta = metaOf(candidate.object);
    if (controllerOf(candidate.object) !== undefined || isDeleting(candidate.object)) continue;
    if (!matchesSelector(selector, meta.labels)) continue;
    const others = meta.ownerReferences.filter((reference) => reference.uid !== uid);
    writes.push(replaceMeta(candidate, { ...meta, ownerReferences: [...others, controllerReference(owner)] }));
  }
  return { owned, writes };
}
