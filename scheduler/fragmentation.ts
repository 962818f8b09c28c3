import type { ColumnAmount, Shape } from "./shape.js";
import { COLUMN, type Snapshot } from "./snapshot.js";

/** Kinds of pods that are asked for: with more, the rarest are left out. */
const MOST_KINDS = 256;

/**
 * How fragmented each node is, by slot: of all pods that run, the share whose like would not fit into what is free there. 0 where any would fit, 1 where none
 * would; undefined where no cpu or memory is free, since nothing is left to be wasted. Only room counts, no constraint.
 */
export function fragmentation(snapshot: Snapshot): readonly (number | undefined)[] {
  snapshot.layOut();
  const kinds = kindsOfPods(snapshot);
  const total = kinds.reduce((sum, { count }) => sum + count, 0);
  return snapshot.records.map((_, slot) => {
    const isFree = [COLUMN.cpu, COLUMN.memory].some((column) => (snapshot.free[column]?.[slot] ?? 0) > 0);
    if (!isFree || total === 0) return undefined;
    const stuck = kinds.filter(({ requests }) => !fits(snapshot, requests, slot));
    return stuck.reduce((sum, { count }) => sum + count, 0) / total;
  });
}

interface Kind {
  readonly requests: readonly ColumnAmount[];
  count: number;
}

/** Pods that ask for the same, the most frequent first. */
function kindsOfPods(snapshot: Snapshot): readonly Kind[] {
  const kinds = new Map<string, Kind>();
  for (const { pods } of snapshot.records)
    for (const { shape } of pods.values()) {
      const key = keyOf(shape);
      const kind = kinds.get(key) ?? { requests: shape.requests, count: 0 };
      kind.count += 1;
      kinds.set(key, kind);
    }
  const sorted = [...kinds].sort(([a, left], [b, right]) => right.count - left.count || (a < b ? -1 : 1));
  return sorted.slice(0, MOST_KINDS).map(([, kind]) => kind);
}

function keyOf({ requests }: Shape): string {
  const amounts = [...requests].sort((left, right) => left.column - right.column);
  return amounts.map(({ column, amount }) => `${column}=${amount}`).join(",");
}

function fits({ free }: Snapshot, requests: readonly ColumnAmount[], slot: number): boolean {
  return requests.every(({ column, amount }) => (free[column]?.[slot] ?? 0) >= amount);
}
