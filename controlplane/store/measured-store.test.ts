import { expect, test } from "vitest";
import { storeConformance } from "../../test/conformance/store.js";
import { ManualClock } from "../../test/kit/manual-clock.js";
import { measuredStore } from "./measured-store.js";
import { MemoryStore } from "./memory.js";
import { MemoryEtcd } from "./memory-etcd.js";

storeConformance("measured memory", async () => {
  const clock = new ManualClock();
  const etcd = new MemoryEtcd();
  return {
    connect: async () => measuredStore(new MemoryStore(clock, etcd), clock, () => undefined),
    passTime: (ms) => clock.advance(ms),
    root: "/test/",
  };
});

test("calls are reported with their time and their result", async () => {
  const clock = new ManualClock();
  const memory = new MemoryStore(clock);
  const seen: string[] = [];
  const slow = {
    ...measuredStore(memory, clock, () => undefined),
    list: async (prefix: string | readonly string[]) => {
      await clock.sleep(250, new AbortController().signal);
      return memory.list(prefix);
    },
  };
  const measured = measuredStore(slow, clock, (...call) => seen.push(call.join(" ")));
  const listing = measured.list("/");
  await clock.advance(250);
  await listing;
  memory.setReachable(false);
  await expect(measured.get("/x")).rejects.toMatchObject({ code: "store_unavailable" });
  expect(seen).toEqual(["list ok 250", "get store_unavailable 0"]);
});
