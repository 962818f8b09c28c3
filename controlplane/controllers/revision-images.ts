import { imagePins, type MovedImage, movedImages } from "../../kinds/image-pins.js";
import { metaOf } from "../../kinds/object.js";
import { isPodActive } from "../../kinds/pod-state.js";
import { deepEqual } from "../../lib/deep-equal.js";
import type { Condition } from "../../proto/gen/tallship/v1/meta.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import type { Cached } from "../cache/view.js";
import { withCondition, withoutCondition } from "./conditions.js";
import type { ObjectWrite } from "./controller.js";
import { REVISION_LABEL } from "./template-revisions.js";
import { replace } from "./writes.js";

type Revision = Cached<"ControllerRevision">;

/** The writes after which each revision holds what its pods run; none when all of them do. */
export function imageWrites(revisions: readonly Revision[], owned: readonly Cached<"Pod">[]): readonly ObjectWrite[] {
  return revisions.flatMap((revision): readonly ObjectWrite[] => {
    const { object } = revision;
    const images = imagePins(object.data?.spec?.template, activeOf(revision, owned), object.images);
    return deepEqual(images, object.images) ? [] : [replace(revision, { ...object, images })];
  });
}

/** Pods that run other bytes than their revision's. */
export function movedOf(revisions: readonly Revision[], owned: readonly Cached<"Pod">[]): readonly MovedImage[] {
  return revisions.flatMap((revision) => movedImages(activeOf(revision, owned), revision.object.images));
}

function activeOf({ object }: Revision, owned: readonly Cached<"Pod">[]): readonly Pod[] {
  const { name } = metaOf(object);
  return owned
    .map((pod) => pod.object)
    .filter((pod) => isPodActive(pod) && metaOf(pod).labels[REVISION_LABEL] === name);
}

const MOVED = "ImageMoved";

/** What users can do about pods that got other bytes, by whether these are replaced or run to their end. */
export const REMEDIES = {
  set: "deleting them brings the revision's bytes, a rollout restart what the tag stands for now",
  job: "those that come later run what the first one ran, another job what the tag stands for now",
} as const;

/** Names pods that got other bytes than the first of their revision: a tag was moved while they came. */
export function withMoved(
  conditions: readonly Condition[],
  moved: readonly MovedImage[],
  { nowMs, remedy = REMEDIES.set }: { readonly nowMs: number; readonly remedy?: string },
): readonly Condition[] {
  const [first] = moved;
  if (first === undefined) return withoutCondition(conditions, MOVED);
  const more = moved.length > 1 ? ` and ${moved.length - 1} more` : "";
  const message = `${first.pod}${more}: the tag of ${first.image} was moved; ${remedy}`;
  return withCondition(conditions, { type: MOVED, status: "True", reason: "TagMoved", message }, nowMs);
}
