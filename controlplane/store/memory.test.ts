import { expect, test } from "vitest";
import { collect, storeConformance } from "../../test/conformance/store.js";
import { ManualClock } from "../../test/kit/manual-clock.js";
import { MemoryStore } from "./memory.js";
import { MemoryEtcd } from "./memory-etcd.js";

storeConformance("memory", async () => {
  const clock = new ManualClock();
  const etcd = new MemoryEtcd();
  return {
    connect: async () => new MemoryStore(clock, etcd),
    passTime: (ms) => clock.advance(ms),
    root: "/test/",
  };
});

test("history beyond the bound is forgotten, and a watch that needs it fails", async () => {
  const store = new MemoryStore(new ManualClock(), new MemoryEtcd(10));
  for (let at = 0; at < 20; at += 1)
    await store.transact({ checks: [], writes: [{ op: "put", key: `/k/${at}`, value: new Uint8Array(1) }] });
  await expect(collect(store, ["/k/"], 5).ended).rejects.toMatchObject({ code: "history_lost" });
});

test("a connection that is cut fails calls, stalls watches and delivers everything once mended", async () => {
  const etcd = new MemoryEtcd();
  const clock = new ManualClock();
  const [cut, other] = [new MemoryStore(clock, etcd), new MemoryStore(clock, etcd)];
  const seen = collect(cut, ["/k/"], 1);
  cut.setReachable(false);
  await expect(cut.get("/k/a")).rejects.toMatchObject({ code: "store_unavailable" });
  await other.transact({ checks: [], writes: [{ op: "put", key: "/k/a", value: Buffer.from("1") }] });
  await clock.advance(100);
  expect(seen.batches).toEqual([]);
  cut.setReachable(true);
  await seen.until(2);
  expect(seen.lines("/k/")).toEqual(["a=1"]);
  await seen.stop();
});

test("a cut shorter than the margin keeps a lease; a longer one loses it for good, first the signal, then the key", async () => {
  const etcd = new MemoryEtcd();
  const clock = new ManualClock();
  const store = new MemoryStore(clock, etcd);
  const lease = await store.lease(2_000);
  await store.transact({
    checks: [],
    writes: [{ op: "put", key: "/k", value: new Uint8Array(), leaseId: lease.id }],
  });
  store.setReachable(false);
  await clock.advance(1_400);
  store.setReachable(true);
  await clock.advance(10_000);
  expect(lease.lost.aborted).toBe(false);
  store.setReachable(false);
  await clock.advance(1_600);
  expect(lease.lost.aborted).toBe(true);
  expect(etcd.get("/k")).toBeDefined();
  store.setReachable(true);
  await clock.advance(500);
  expect(etcd.get("/k")).toBeUndefined();
  expect(clock.timerCount).toBe(0);
});

test("a lease that is given back while the store is away is lost at once, and its keys go when it runs out", async () => {
  const etcd = new MemoryEtcd();
  const clock = new ManualClock();
  const store = new MemoryStore(clock, etcd);
  const lease = await store.lease(2_000);
  await store.transact({ checks: [], writes: [{ op: "put", key: "/k", value: new Uint8Array(), leaseId: lease.id }] });
  store.setReachable(false);
  await expect(lease.revoke()).rejects.toMatchObject({ code: "store_unavailable" });
  expect(lease.lost.aborted).toBe(true);
  store.setReachable(true);
  await clock.advance(2_000);
  expect(etcd.get("/k")).toBeUndefined();
});
