import fc from "fast-check";
import { expect, test } from "vitest";
import { anyQueueLife, QueueLife } from "../../test/kit/queue-life.js";

test("whatever comes, goes and changes: bounds are kept, the first goes first, owners get their own back, and it comes to rest", () => {
  fc.assert(
    fc.property(anyQueueLife, (events) => {
      const life = new QueueLife();
      for (const event of events) life.suffer(event);
      expect(life.faults).toEqual([]);
    }),
    { seed: 31, numRuns: 500 },
  );
});
