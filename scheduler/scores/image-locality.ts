import { addEach, type Score } from "../score.js";
import type { Shape } from "../shape.js";
import type { Snapshot } from "../snapshot.js";

/** Prefers nodes that hold the images of the pod, by their size: it starts there without fetching them. */
export const imageLocality: Score = {
  name: "image-locality",
  prepare: ({ images }, snapshot) => {
    const points = snapshot.images.pointsFor(images, snapshot.records);
    if (points === undefined) return undefined;
    // It hangs on what nodes hold, and that is good as long as what was prepared is.
    const at = (slot: number): number => points.bySlot[slot] ?? 0;
    return { ceiling: points.most, rise: () => 0, isRiseKnown: true, at, add: addEach(at) };
  },
};

/**
 * The same for pods that are spread: among nodes that run none of the owner's pods yet. Those that run one have the image, or are fetching it, and
 * whoever holds it is not to be given the second replica before others have their first.
 */
export const firstImageLocality: Score = {
  name: "first-image-locality",
  prepare: (shape, snapshot) => {
    const points = snapshot.images.pointsFor(shape.images, snapshot.records);
    if (points === undefined) return undefined;
    const isFirst = firstOn(shape, snapshot);
    const at = (slot: number): number => (isFirst(slot) ? (points.bySlot[slot] ?? 0) : 0);
    return { ceiling: points.most, rise: () => 0, isRiseKnown: true, at, add: addEach(at) };
  },
};

function firstOn({ group }: Shape, { groups }: Snapshot): (slot: number) => boolean {
  const counted = groups.follow(group);
  return (slot) => (counted()?.at(slot) ?? 0) === 0;
}
