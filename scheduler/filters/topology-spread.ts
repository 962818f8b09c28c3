import { type DomainSpread, domainSpreads } from "../domain-spread.js";
import { allOf, type Filter, type Refusal, siftBy } from "../filter.js";
import { regionOf } from "../topology.js";

/** Refuses nodes whose domain would have more than `maxSkew` pods more than the emptiest, where a spread constraint demands it. */
export const topologySpread: Filter = {
  name: "topology-spread",
  prepare: (shape, snapshot) => {
    if (shape.peers === undefined) return undefined;
    const spreads = domainSpreads(shape.peers.demandedSpread, shape, snapshot);
    return allOf(
      spreads.map((spread) => {
        const lets = (slot: number): boolean => isEven(spread, slot);
        return {
          onlyTightens: true,
          region: regionOf(spread.topology),
          farChanges: () => spread.farChanges,
          lets,
          sift: siftBy(lets),
          why: (slot) => (lets(slot) ? [] : [refusal(spread, slot)]),
        };
      }),
    );
  },
};

function isEven(spread: DomainSpread, slot: number): boolean {
  const excess = spread.excess(slot);
  return excess !== undefined && excess + spread.own <= spread.asked.maxSkew;
}

function refusal(spread: DomainSpread, slot: number): Refusal {
  const { maxSkew, term } = spread.asked;
  if (spread.excess(slot) === undefined) return { reason: `without label ${term.topologyKey}` };
  return { reason: `would unbalance ${shortName(term.topologyKey)} by more than ${maxSkew}` };
}

function shortName(label: string): string {
  return label.slice(label.lastIndexOf("/") + 1);
}
