import { type DomainSpread, domainSpreads } from "../domain-spread.js";
import { crowding, MAX_POINTS, type Score } from "../score.js";

/** Prefers nodes in domains with few pods, where a spread constraint asks for it; differences below `maxSkew` do not count. */
export const preferredSpread: Score = {
  name: "preferred-spread",
  prepare: (shape, snapshot) => {
    const terms = shape.peers?.preferredSpread ?? [];
    if (terms.length === 0) return undefined;
    const spreads = domainSpreads(terms, shape, snapshot);
    return {
      farChanges: () => spreads.reduce((total, { changes }) => total + changes, 0),
      add: (points, weight, from, to) => {
        for (let slot = from; slot < to; slot += 1) {
          const lost = spreads.reduce((total, spread) => total + unevenness(spread, slot), 0);
          points[slot] = (points[slot] ?? 0) - weight * Math.floor(lost / spreads.length);
        }
      },
    };
  },
};

function unevenness(spread: DomainSpread, slot: number): number {
  const excess = spread.excess(slot);
  if (excess === undefined) return MAX_POINTS;
  return crowding(Math.floor(Math.max(0, excess) / spread.asked.maxSkew));
}
