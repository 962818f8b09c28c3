import type { PeerCount } from "../peer-count.js";
import { crowding } from "../points.js";
import { addEach, type Score, type Scorer, sumOf } from "../score.js";
import { regionOf } from "../topology.js";

/** A hundred is the most that one pod can want a thing. */
const FULL_WEIGHT = 100;

/** Prefers nodes near pods whose own preferred affinity selects the pod, and avoids those whose preferred anti-affinity does. The first pods count most. */
export const drawingPods: Score = {
  name: "drawing-pods",
  prepare: (shape, snapshot) => {
    const { liking, disliking } = snapshot.drawing(shape);
    if (liking.length + disliking.length === 0) return undefined;
    const keys = new Set([...liking, ...disliking].map(({ term }) => term.topologyKey));
    const near = (counts: readonly PeerCount[], key: string): readonly PeerCount[] =>
      counts.filter(({ term }) => term.topologyKey === key);
    return sumOf([...keys].sort().map((key) => drawn(near(liking, key), near(disliking, key))));
  },
};

function drawn(liking: readonly PeerCount[], disliking: readonly PeerCount[]): Scorer {
  const [first] = [...liking, ...disliking];
  const sum = (counts: readonly PeerCount[], slot: number): number =>
    counts.reduce((total, count) => total + (count.at(slot) ?? 0), 0);
  const pointsAt = (slot: number): number => {
    const net = sum(liking, slot) - sum(disliking, slot);
    return Math.sign(net) * crowding(Math.abs(net) / FULL_WEIGHT);
  };
  return {
    region: first && regionOf(first.topology),
    farChanges: () => [...liking, ...disliking].reduce((total, { farChanges }) => total + farChanges, 0),
    at: pointsAt,
    add: addEach(pointsAt),
  };
}
