import { expect, test } from "vitest";
import { hasCode } from "../../lib/errors.js";
import { silentLog } from "../../lib/log.js";
import { seededRng } from "../../lib/rng.js";
import { electionConformance } from "../../test/conformance/election.js";
import { ManualClock, settle } from "../../test/kit/manual-clock.js";
import { Election, type Leader } from "./election.js";
import { META } from "./keys.js";
import { MemoryStore } from "./memory.js";
import { MemoryEtcd } from "./memory-etcd.js";
import { announceReplica, listReplicas } from "./replicas.js";

function world() {
  const clock = new ManualClock();
  const etcd = new MemoryEtcd();
  const replica = (id: string) => {
    const store = new MemoryStore(clock, etcd);
    const deps = { store, clock, rng: seededRng(1), log: silentLog };
    return { store, deps, election: new Election(deps, { id, address: `${id}:7443` }), stop: new AbortController() };
  };
  return { clock, etcd, replica };
}

electionConformance("memory", async () => {
  const clock = new ManualClock();
  const etcd = new MemoryEtcd();
  return { clock, connect: async () => new MemoryStore(clock, etcd), passTime: (ms) => clock.advance(ms) };
});

const write = { op: "put", key: "/x", value: new Uint8Array() } as const;

test("one replica leads at a time; when it resigns the next does, and the old guard fails", async () => {
  const { replica, clock } = world();
  const [a, b] = [replica("a"), replica("b")];
  const first = await a.election.campaign(a.stop.signal);
  let second: Awaited<ReturnType<Election["campaign"]>> | undefined;
  void b.election.campaign(b.stop.signal).then((leadership) => {
    second = leadership;
  });
  await clock.advance(60_000);
  expect(second).toBeUndefined();
  expect((await a.store.transact({ guard: first.guard, checks: [], writes: [write] })).is).toBe("committed");
  await first.resign();
  await clock.advance(0);
  expect(first.lost.aborted).toBe(true);
  expect(second?.guard.createRevision).toBeGreaterThan(first.guard.createRevision);
  expect(await a.store.transact({ guard: first.guard, checks: [], writes: [write] })).toEqual({ is: "guard_failed" });
});

test("a leader that is cut off stops before another leads, and its writes fail after", async () => {
  const { replica, clock } = world();
  const [a, b] = [replica("a"), replica("b")];
  const first = await a.election.campaign(a.stop.signal);
  let electedAtMs = 0;
  let lostAtMs = 0;
  first.lost.addEventListener("abort", () => {
    lostAtMs = clock.monotonicMs();
  });
  void b.election.campaign(b.stop.signal).then(() => {
    electedAtMs = clock.monotonicMs();
  });
  a.store.setReachable(false);
  await clock.advance(2_100);
  expect(lostAtMs).toBe(1_500);
  expect(electedAtMs).toBe(2_000);
  a.store.setReachable(true);
  expect(await a.store.transact({ guard: first.guard, checks: [], writes: [write] })).toEqual({ is: "guard_failed" });
});

test("a leader whose lease etcd revoked wrongly learns of it", async () => {
  const { replica, etcd, clock } = world();
  const a = replica("a");
  const leadership = await a.election.campaign(a.stop.signal);
  etcd.revokeAll();
  await clock.advance(0);
  expect(leadership.lost.aborted).toBe(true);
});

test("a leader whose key was deleted learns of it", async () => {
  const { replica, etcd, clock } = world();
  const a = replica("a");
  const leadership = await a.election.campaign(a.stop.signal);
  etcd.transact({ checks: [], writes: [{ op: "delete", key: META.leader }] });
  await clock.advance(0);
  expect(leadership.lost.aborted).toBe(true);
});

test("a replica that restarts takes over from its own former life without waiting for the lease", async () => {
  const { replica, clock } = world();
  const before = replica("a");
  const first = await before.election.campaign(before.stop.signal);
  await before.store.close();
  const after = replica("a");
  const second = await after.election.campaign(after.stop.signal);
  expect(clock.monotonicMs()).toBe(0);
  expect(second.guard.createRevision).toBeGreaterThan(first.guard.createRevision);
  await clock.advance(3_000);
  expect(second.lost.aborted).toBe(false);
});

test("a campaign survives a store that is away, and ends when it is cancelled", async () => {
  const { replica, clock } = world();
  const [a, b] = [replica("a"), replica("b")];
  a.store.setReachable(false);
  const campaign = a.election.campaign(a.stop.signal);
  await clock.advance(30_000);
  a.store.setReachable(true);
  await clock.advance(1_000);
  const leadership = await campaign;
  const waiting = b.election.campaign(b.stop.signal);
  await settle();
  b.stop.abort();
  await expect(waiting).rejects.toSatisfy((error) => hasCode(error, "cancelled"));
  await leadership.resign();
  expect(clock.timerCount).toBe(0);
});

test("observers see each leader and its address", async () => {
  const { replica, clock } = world();
  const [a, observer] = [replica("a"), replica("o")];
  const seen: (Leader | undefined)[] = [];
  const observing = (async () => {
    for await (const leader of observer.election.observe(observer.stop.signal)) seen.push(leader);
  })();
  await clock.advance(0);
  const leadership = await a.election.campaign(a.stop.signal);
  await clock.advance(0);
  await leadership.resign();
  await clock.advance(0);
  expect(seen.map((leader) => leader?.record.address)).toEqual([undefined, "a:7443", undefined]);
  observer.stop.abort();
  await observing;
});

test("a replica stands in the list while it lives, again after its lease was revoked, and no longer once it stopped", async () => {
  const { replica, etcd, clock } = world();
  const a = replica("a");
  const announcing = announceReplica(a.deps, { id: "a", address: "a:7443" }, a.stop.signal);
  await clock.advance(10);
  expect(await listReplicas(a.store)).toEqual([{ id: "a", address: "a:7443" }]);
  etcd.revokeAll();
  expect(await listReplicas(a.store)).toEqual([]);
  await clock.advance(1_000);
  expect(await listReplicas(a.store)).toEqual([{ id: "a", address: "a:7443" }]);
  a.stop.abort();
  await announcing;
  expect(await listReplicas(a.store)).toEqual([]);
});
