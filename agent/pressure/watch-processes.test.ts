import { expect, test } from "vitest";
import { silentLog } from "../../lib/log.js";
import { LoopWorld, loopPod } from "../../test/kit/loop-world.js";
import { lookAtProcesses, type ProcessCount } from "./watch-processes.js";

test("who has as many processes as it may is named once, and again when it has been below that", async () => {
  const world = new LoopWorld();
  for (const uid of ["bomb", "calm", "uncounted"]) world.want(loopPod(uid, ["serve"]));
  await world.advance(1_000);
  const counts = new Map<string, ProcessCount>([["calm", { count: 3, most: () => 100 }]]);
  const told: string[] = [];
  let found: ReturnType<typeof lookAtProcesses> = new Map();
  const look = (count: number): void => {
    counts.set("bomb", { count, most: () => 100 });
    const node = {
      pods: () => world.loop.list(),
      notify: ({ pod, message }: { pod: { metadata?: { name: string } | undefined }; message: string }) =>
        told.push(`${pod.metadata?.name}: ${message}`),
    };
    found = lookAtProcesses({ log: silentLog, processesOf: (uid) => counts.get(uid) }, node, found);
  };
  look(94);
  expect(told).toEqual([]);
  look(100);
  look(97);
  expect(told).toEqual(["bomb: The pod has 100 processes of the 100 that it may have: it cannot start more"]);
  look(10);
  look(95);
  expect(told).toHaveLength(2);
});
