import { afterEach, expect, test } from "vitest";
import { limit } from "../../lib/limits.js";
import { ConfigMap } from "../../proto/gen/tallship/v1/configmap.js";
import { type ControlWorld, controlWorld } from "../../test/kit/control-world.js";
import { deletionWatch } from "./deletion-watch.js";

let world: ControlWorld | undefined;
afterEach(() => world?.stop.abort());

async function blockedConfig(deletionTimestamp: string): Promise<ControlWorld> {
  world = await controlWorld();
  world.run([deletionWatch]);
  const metadata = { name: "c", namespace: "default", uid: "u", finalizers: ["example.com/hold"], deletionTimestamp };
  await world.put({ kind: "ConfigMap", object: ConfigMap.fromPartial({ metadata }) });
  return world;
}

test("a delete that a finalizer blocks is told once its deadline has passed, not before", async () => {
  const started = await blockedConfig("");
  await started.edit("ConfigMap", "c", (config) =>
    ConfigMap.fromPartial({
      ...config,
      metadata: { ...config.metadata, deletionTimestamp: new Date(started.clock.nowMs()).toISOString() },
    }),
  );
  await started.converge(limit("deletionDeadlineMs") / 2);
  expect(started.notices).toEqual([]);
  await started.converge(limit("deletionDeadlineMs"));
  expect(started.notices[0]).toMatchObject({
    about: { kind: "ConfigMap", name: "c" },
    reason: "DeletionBlocked",
    message: expect.stringMatching(/^not gone \d+ s after its time: waits for finalizer example.com\/hold$/),
  });
});

test("an object that is not being deleted is let be", async () => {
  const started = await blockedConfig("");
  await started.converge(limit("deletionDeadlineMs") * 2);
  expect(started.notices).toEqual([]);
});
