import { crowding, type Score } from "../score.js";

/** Prefers nodes that run fewer pods of the same owner, so that one node's loss takes few of them. The first pods count most. */
export const spread: Score = {
  name: "spread",
  prepare: ({ group }, snapshot) => {
    if (group === "") return undefined;
    const { groups } = snapshot;
    return {
      ceiling: 0,
      rise: () => 0,
      add: (points, weight, from, to) => {
        const own = groups.of(group);
        if (to - from === 1) points[from] = (points[from] ?? 0) - weight * crowding(own?.at(from) ?? 0);
        else
          own?.forEach(from, to, (slot, count) => {
            points[slot] = (points[slot] ?? 0) - weight * crowding(count);
          });
      },
    };
  },
};
