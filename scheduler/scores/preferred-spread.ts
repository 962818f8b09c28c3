import { type DomainSpread, domainSpreads } from "../domain-spread.js";
import { crowding, MAX_POINTS } from "../points.js";
import { addEach, type Score, sumOf } from "../score.js";
import { regionOf } from "../topology.js";

/** Prefers nodes in domains with few pods, where a spread constraint asks for it; differences below `maxSkew` do not count. */
export const preferredSpread: Score = {
  name: "preferred-spread",
  prepare: (shape, snapshot) => {
    if (shape.peers === undefined) return undefined;
    const spreads = domainSpreads(shape.peers.preferredSpread, shape, snapshot);
    return sumOf(
      spreads.map((spread) => {
        const at = (slot: number): number => -Math.floor(unevenness(spread, slot) / spreads.length);
        return {
          ceiling: 0,
          region: regionOf(spread.topology),
          farChanges: () => spread.farChanges,
          at,
          add: addEach(at),
        };
      }),
    );
  },
};

function unevenness(spread: DomainSpread, slot: number): number {
  const excess = spread.excess(slot);
  if (excess === undefined) return MAX_POINTS;
  return crowding(Math.floor(Math.max(0, excess) / spread.asked.maxSkew));
}
