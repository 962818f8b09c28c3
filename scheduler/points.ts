/**
 * Most points that a score gives a node, before its weight: fine enough to tell a node of 500 replicas from one of 501. All points are whole
 * numbers, so that sums do not depend on their order.
 */
export const MAX_POINTS = 1_000_000;

/** Of MAX_POINTS, what so many pods nearby count: none nothing, one half, two two thirds, and so on. The first pods count most. */
export function crowding(count: number): number {
  return MAX_POINTS - Math.floor(MAX_POINTS / (1 + count));
}
