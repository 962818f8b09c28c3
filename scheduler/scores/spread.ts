import { crowding, type Score } from "../score.js";

/** Prefers nodes that run fewer pods of the same owner, so that one node's loss takes few of them. The first pods count most. */
export const spread: Score = {
  name: "spread",
  prepare: ({ group }, snapshot) => {
    if (group === "") return undefined;
    const { groups } = snapshot;
    return {
      ceiling: 0,
      add: (points, weight, from, to) => {
        if (to - from === 1) {
          const record = snapshot.records[from];
          const count = record === undefined ? 0 : groups.on(record, group);
          points[from] = (points[from] ?? 0) - weight * crowding(count);
          return;
        }
        for (const [{ slot }, count] of groups.nodesOf(group) ?? [])
          if (slot >= from && slot < to) points[slot] = (points[slot] ?? 0) - weight * crowding(count);
      },
      addEach: (points, weight, slots, count) => {
        const column = groups.columnOf(group);
        for (let at = 0; at < count; at += 1) {
          const slot = slots[at] ?? 0;
          points[slot] = (points[slot] ?? 0) - weight * crowding(column[slot] ?? 0);
        }
      },
    };
  },
};
