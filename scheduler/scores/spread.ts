import { crowding } from "../points.js";
import type { Score } from "../score.js";

/** Prefers nodes that run fewer pods of the same owner, so that one node's loss takes few of them. The first pods count most. */
export const spread: Score = {
  name: "spread",
  prepare: ({ group }, snapshot) => {
    if (group === "") return undefined;
    const counted = snapshot.groups.follow(group);
    return {
      ceiling: 0,
      rise: () => 0,
      isRiseKnown: true,
      at: (slot) => -crowding(counted()?.at(slot) ?? 0),
      add: (points, weight, from, to) => {
        counted()?.forEach(from, to, (slot, count) => {
          points[slot] = (points[slot] ?? 0) - weight * crowding(count);
        });
      },
    };
  },
};
