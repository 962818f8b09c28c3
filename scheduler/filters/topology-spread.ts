import { type DomainSpread, domainSpreads } from "../domain-spread.js";
import type { Filter, Refusal } from "../filter.js";

/** Refuses nodes whose domain would have more than `maxSkew` pods more than the emptiest, where a spread constraint demands it. */
export const topologySpread: Filter = {
  name: "topology-spread",
  prepare: (shape, snapshot) => {
    const { demandedSpread = [] } = shape.peers ?? {};
    if (demandedSpread.length === 0) return undefined;
    const spreads = domainSpreads(demandedSpread, shape, snapshot);
    return {
      staticKey: undefined,
      farChanges: () => spreads.reduce((total, { changes }) => total + changes, 0),
      sift: (fits, from, to) => {
        for (let slot = from; slot < to; slot += 1)
          if (fits[slot] === 1 && spreads.some((spread) => isUneven(spread, slot))) fits[slot] = 0;
      },
      why: (slot) => spreads.filter((spread) => isUneven(spread, slot)).map((spread) => refusal(spread, slot)),
    };
  },
};

function isUneven(spread: DomainSpread, slot: number): boolean {
  const excess = spread.excess(slot);
  return excess === undefined || excess + spread.own > spread.asked.maxSkew;
}

function refusal(spread: DomainSpread, slot: number): Refusal {
  const { maxSkew, term } = spread.asked;
  if (spread.excess(slot) === undefined) return { reason: `without label ${term.topologyKey}` };
  return { reason: `would unbalance ${shortName(term.topologyKey)} by more than ${maxSkew}` };
}

function shortName(label: string): string {
  return label.slice(label.lastIndexOf("/") + 1);
}
