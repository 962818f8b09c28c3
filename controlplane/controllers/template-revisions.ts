import { metaOf } from "../../kinds/object.js";
import { deepEqual } from "../../lib/deep-equal.js";
import { stableHash } from "../../lib/stable-hash.js";
import { ControllerRevision } from "../../proto/gen/tallship/v1/controllerrevision.js";
import type { PodTemplateSpec } from "../../proto/gen/tallship/v1/pod.js";
import type { Cached, View } from "../cache/view.js";
import type { ObjectWrite, ReconcileContext } from "./controller.js";
import { childMeta, create, remove, replace } from "./writes.js";

/** On a pod: the name of the revision that it was made from. As in Kubernetes. */
export const REVISION_LABEL = "controller-revision-hash";

const HASH_LABEL = "controller.kubernetes.io/hash";

/** Longest base of a revision's name: it is also the value of a label. */
const maxBaseLength = 52;

/** The revision of an owner's template, and what must be written so that it is there and the newest. */
export type TemplateRevision =
  | { readonly is: "known"; readonly name: string; readonly writes: readonly ObjectWrite[] }
  /** The name is that of another template or owner; with one collision more the name is another one. */
  | { readonly is: "taken" };

/** The revisions that an owner controls, oldest first. */
export function revisionsOf(owner: Cached, view: View): readonly Cached<"ControllerRevision">[] {
  return [...view.ownedBy("ControllerRevision", metaOf(owner.object).uid)].sort(byNumber);
}

function byNumber(left: Cached<"ControllerRevision">, right: Cached<"ControllerRevision">): number {
  if (left.object.revision !== right.object.revision) return left.object.revision - right.object.revision;
  return metaOf(left.object).name < metaOf(right.object).name ? -1 : 1;
}

/** The template that a revision keeps. */
export function templateOf({ object }: Cached<"ControllerRevision">): PodTemplateSpec | undefined {
  return object.data?.spec?.template;
}

/** The revision of the owner's template: one that is there and becomes the newest again, or a new one. */
export function revisionFor(
  owner: { readonly cached: Cached; readonly template: PodTemplateSpec | undefined; readonly collisions: number },
  revisions: readonly Cached<"ControllerRevision">[],
  view: View,
  context: ReconcileContext,
): TemplateRevision {
  const { cached, template, collisions } = owner;
  const newest = revisions.at(-1)?.object.revision ?? 0;
  const equal = revisions.findLast((each) => deepEqual(templateOf(each), template));
  if (equal !== undefined) {
    const { name } = metaOf(equal.object);
    const writes = equal.object.revision === newest ? [] : [replace(equal, { ...equal.object, revision: newest + 1 })];
    return { is: "known", name, writes };
  }
  const hash = stableHash(collisions === 0 ? template : [template, collisions]);
  const meta = metaOf(cached.object);
  const name = `${meta.name.slice(0, maxBaseLength)}-${hash}`;
  if (view.get("ControllerRevision", meta.namespace, name) !== undefined) return { is: "taken" };
  const labels = { ...template?.metadata?.labels, [HASH_LABEL]: hash };
  const made = ControllerRevision.fromPartial({ data: { spec: {} }, revision: newest + 1 });
  const revision = { ...made, metadata: childMeta(cached, name, { labels }, context), data: { spec: { template } } };
  return { is: "known", name, writes: [create("ControllerRevision", revision)] };
}

/** The removal of revisions that nobody uses, oldest first, down to the number that is kept. */
export function historyWrites(
  revisions: readonly Cached<"ControllerRevision">[],
  used: ReadonlySet<string>,
  kept: number,
  nowMs: number,
): readonly ObjectWrite[] {
  const unused = revisions.filter(({ object }) => !used.has(metaOf(object).name));
  return unused.slice(0, Math.max(0, unused.length - kept)).flatMap((each) => remove(each, { nowMs }));
}
