import fc from "fast-check";
import { expect, test } from "vitest";
import { anyAdversity, LoopLife } from "../../test/kit/loop-life.js";

test("whatever comes, however the clock jumps: gangs are whole, no node is filled beyond its room, nobody waits for what is there, and the clock decides nothing", async () => {
  await fc.assert(
    fc.asyncProperty(anyAdversity, async (story) => {
      const life = await LoopLife.begin();
      await life.suffer(story);
      expect(life.faults).toEqual([]);
      const calm = await LoopLife.begin();
      await calm.suffer(story.filter((each) => each.do !== "jump"));
      expect(life.placement).toEqual(calm.placement);
      life.end();
      calm.end();
    }),
    { seed: 41, numRuns: 20 },
  );
});

test("a thousand equal gangs, each larger than the cluster, are each tried once; then nothing is done until a node changes", async () => {
  const life = await LoopLife.begin();
  await life.suffer([{ do: "node", name: "a", cpu: 2, zone: "east" }]);
  for (let gang = 0; gang < 1_000; gang += 1)
    await life.addGang(`gang-${gang}`, { cpu: 1, priority: 0, app: "a", near: undefined, queue: "", size: 3 });
  await life.rest();
  expect(life.placement).toEqual([]);
  const tried = await life.decisions();
  await life.pass(60_000);
  expect(await life.decisions()).toBe(tried);
  await life.suffer([{ do: "node", name: "b", cpu: 1, zone: "east" }]);
  expect(life.placement).toHaveLength(3);
  life.end();
});
