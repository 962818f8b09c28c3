import { type DomainSpread, domainSpreads } from "../domain-spread.js";
import { crowding, MAX_POINTS, type Score, sumOf } from "../score.js";
import { regionOf } from "../topology.js";

/** Prefers nodes in domains with few pods, where a spread constraint asks for it; differences below `maxSkew` do not count. */
export const preferredSpread: Score = {
  name: "preferred-spread",
  prepare: (shape, snapshot) => {
    const spreads = domainSpreads(shape.peers?.preferredSpread ?? [], shape, snapshot);
    return sumOf(
      spreads.map((spread) => ({
        ceiling: 0,
        region: regionOf(spread.topology),
        farChanges: () => spread.farChanges,
        add: (points, weight, from, to) => {
          for (let slot = from; slot < to; slot += 1)
            points[slot] = (points[slot] ?? 0) - weight * Math.floor(unevenness(spread, slot) / spreads.length);
        },
      })),
    );
  },
};

function unevenness(spread: DomainSpread, slot: number): number {
  const excess = spread.excess(slot);
  if (excess === undefined) return MAX_POINTS;
  return crowding(Math.floor(Math.max(0, excess) / spread.asked.maxSkew));
}
