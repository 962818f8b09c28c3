import fc from "fast-check";
import { expect, test } from "vitest";
import { anyAdversity, LoopLife } from "../../test/kit/loop-life.js";

// What hostile-loop.test.ts tells a few stories of in every run. The seed of a story that fails is printed; it becomes a row here.
for (const seed of [41, 42, 43])
  test(`seed ${seed}: 300 leaders live through bad input, faults and clocks that jump`, async () => {
    await fc.assert(
      fc.asyncProperty(anyAdversity, async (story) => {
        const life = await LoopLife.begin();
        await life.suffer(story);
        expect(life.faults).toEqual([]);
        life.end();
      }),
      { seed, numRuns: 300 },
    );
  });
