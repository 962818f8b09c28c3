import fc from "fast-check";
import { expect, test } from "vitest";
import { anyQueueLife, QueueLife } from "../../test/kit/queue-life.js";

// What queue-laws.test.ts tells a few stories of in every run. The seed of a story that fails is printed; it becomes a row here.
for (const seed of [31, 32, 33])
  test(`seed ${seed}: 5,000 cohorts keep their bounds, and come to rest`, () => {
    fc.assert(
      fc.property(anyQueueLife, (events) => {
        const life = new QueueLife();
        for (const event of events) life.suffer(event);
        expect(life.faults).toEqual([]);
      }),
      { seed, numRuns: 5_000 },
    );
  });
