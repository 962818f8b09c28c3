import { expect, test } from "vitest";
import { ManualClock } from "../../test/kit/manual-clock.js";
import { SimulatedKernel } from "../kernel/simulated-kernel.js";
import type { TunnelKey } from "./tunnel-keys.js";
import { TunnelSync } from "./tunnel-sync.js";

test("tunnels take the MTU that the host's link has come to have, whatever an earlier agent gave them", async () => {
  const kernel = new SimulatedKernel([]);
  let held: readonly TunnelKey[] = [];
  const tunnels = (): TunnelSync =>
    new TunnelSync({
      ...{ nodeName: "one", kernel, clock: new ManualClock(), onPublished: () => undefined },
      keys: {
        load: async () => held,
        save: async (keys) => {
          held = keys;
        },
        make: (generation, madeAtMs) => ({ generation, madeAtMs, privateKey: "own", publicKey: "shown" }),
      },
    });
  const first = tunnels();
  await first.bring([], 1_440);
  expect([...kernel.tunnelMtus.values()]).toEqual([1_440]);
  await first.bring([], 1_340);
  expect([...kernel.tunnelMtus.values()]).toEqual([1_340]);
  await tunnels().bring([], 1_240);
  expect([...kernel.tunnelMtus.values()]).toEqual([1_240]);
});
