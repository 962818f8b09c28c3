import fc from "fast-check";
import { expect, test } from "vitest";
import { OUT, Tournament } from "./tournament.js";

/** The definition: the highest rank, of equals the lowest place. */
function bestOf(ranks: readonly number[]): number {
  let best = -1;
  for (const [place, rank] of ranks.entries()) if (rank > (ranks[best] ?? OUT)) best = place;
  return best;
}

// Few ranks, so that there are many equals: where those stand is what a change may get wrong.
const anyRank = fc.oneof({ weight: 5, arbitrary: fc.nat({ max: 3 }) }, fc.constant(OUT));
const anyMove = fc.record({ place: fc.nat({ max: 599 }), rank: anyRank, isBest: fc.boolean() });

test("whatever changes, on any number of levels: the best place is the one of highest rank, of equals the lowest", () => {
  fc.assert(
    fc.property(
      fc.array(anyRank, { minLength: 1, maxLength: 600, size: "max" }),
      fc.array(anyMove, { maxLength: 60 }),
      (given, moves) => {
        const ranks = [...given];
        const tournament = new Tournament(ranks.length);
        tournament.play(
          Float64Array.from(ranks),
          Int32Array.from(ranks, (_, at) => at),
        );
        expect(tournament.best).toBe(bestOf(ranks));
        for (const { place, rank, isBest } of moves) {
          const best = bestOf(ranks);
          if (isBest && best >= 0 && rank < (ranks[best] ?? OUT)) {
            ranks[best] = rank;
            expect(tournament.sink(best, rank)).toBe(bestOf(ranks));
          } else {
            ranks[place % ranks.length] = rank;
            tournament.move(place % ranks.length, rank);
          }
          expect(tournament.best).toBe(bestOf(ranks));
          expect(tournament.most).toBe(ranks[bestOf(ranks)] ?? OUT);
        }
      },
    ),
    { seed: 11, numRuns: 300 },
  );
});
