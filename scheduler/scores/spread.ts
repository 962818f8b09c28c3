import { crowding, type Score } from "../score.js";

/** Prefers nodes that run fewer pods of the same owner, so that one node's loss takes few of them. The first pods count most. */
export const spread: Score = {
  name: "spread",
  prepare: ({ group }, snapshot) => {
    if (group === "") return undefined;
    let counts = snapshot.groups.get(group);
    let { groupsVersion } = snapshot;
    return {
      ceiling: 0,
      add: (points, weight, from, to) => {
        if (groupsVersion !== snapshot.groupsVersion) {
          counts = snapshot.groups.get(group);
          groupsVersion = snapshot.groupsVersion;
        }
        if (counts === undefined) return;
        if (to - from === 1) {
          const record = snapshot.records[from];
          const count = (record && counts.get(record)) ?? 0;
          points[from] = (points[from] ?? 0) - weight * crowding(count);
          return;
        }
        for (const [{ slot }, count] of counts)
          if (slot >= from && slot < to) points[slot] = (points[slot] ?? 0) - weight * crowding(count);
      },
    };
  },
};
