import { expect, test } from "vitest";
import { metaOf } from "../../../kinds/object.js";
import { STOPPED } from "../../../kinds/power.js";
import { JobWorld } from "../../../test/kit/job-world.js";

test("pods of a job that is stopped have the grace that its user names; a later stop shortens it, and none lengthens it", async () => {
  const world = await JobWorld.open();
  await world.start();
  for (const pod of world.active()) await world.run(pod);
  const grace = async (seconds: string): Promise<number | undefined> => {
    await world.control.edit("Job", "work", (live) => ({
      ...live,
      metadata: { ...metaOf(live), annotations: { [STOPPED]: seconds } },
      spec: live.spec && { ...live.spec, suspend: true },
    }));
    await world.control.converge();
    return metaOf(world.pods()[0] ?? {}).deletionGracePeriodSeconds;
  };
  expect(await grace("60")).toBe(60);
  expect(await grace("5")).toBe(5);
  expect(await grace("40")).toBe(5);
  // Without any nobody would wait for its end.
  expect(await grace("0")).toBe(1);
  world.control.stop.abort();
});
