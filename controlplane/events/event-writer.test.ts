import { afterEach, expect, test } from "vitest";
import { bySeen } from "../../kinds/columns/event.js";
import { LIMITS, limit } from "../../lib/limits.js";
import { silentLog } from "../../lib/log.js";
import { seededRng } from "../../lib/rng.js";
import type { Event } from "../../proto/gen/tallship/v1/event.js";
import { Namespace } from "../../proto/gen/tallship/v1/namespace.js";
import { ADMIN, type ApiBench, openApiBench } from "../../test/kit/api-bench.js";
import { settle } from "../../test/kit/manual-clock.js";
import type { Store } from "../store/store.js";
import { EventWriter } from "./event-writer.js";
import { expiredEvents } from "./fold.js";
import type { Notice } from "./notice.js";

let bench: ApiBench;
afterEach(() => bench.close());

const AGENT = { component: "agent", host: "node-a" };
const notice = (reason: string, name = "web-0", message = "so it is"): Notice => ({
  about: { kind: "Pod", namespace: "default", name },
  type: "Warning",
  reason,
  message,
});

async function open(
  wrap: (store: Store) => Store = (store) => store,
): Promise<{ readonly writer: EventWriter; readonly dropped: Record<string, number> }> {
  bench = await openApiBench();
  const dropped: Record<string, number> = {};
  const writer = new EventWriter({
    store: wrap(bench.store),
    view: bench.cache.view,
    clock: bench.clock,
    rng: seededRng(1),
    log: silentLog,
    onWritten: () => undefined,
    onDropped: (why, count) => {
      dropped[why] = (dropped[why] ?? 0) + count;
    },
  });
  return { writer, dropped };
}

async function pass(ms: number): Promise<void> {
  await bench.clock.advance(ms);
  await bench.caughtUp();
  await settle();
}

const events = (): readonly Event[] => bench.cache.view.list("Event").map(({ object }) => object);

test("equal notices become one event with a count, also over several flushes", async () => {
  const { writer } = await open();
  for (let at = 0; at < 3; at += 1) writer.record(notice("Pulled"), AGENT);
  await pass(limit("eventFlushMs"));
  writer.record(notice("Pulled"), AGENT);
  await pass(limit("eventFlushMs"));
  expect(events().map(({ count }) => count)).toEqual([4]);
});

test("a writer that was restarted goes on counting, and begins anew when the event is an hour old", async () => {
  const { writer } = await open();
  writer.record(notice("Pulled"), AGENT);
  await pass(limit("eventFlushMs"));
  const again = new EventWriter({
    store: bench.store,
    view: bench.cache.view,
    clock: bench.clock,
    rng: seededRng(2),
    log: silentLog,
    onWritten: () => undefined,
    onDropped: () => undefined,
  });
  again.record(notice("Pulled"), AGENT);
  await pass(limit("eventFlushMs"));
  expect(events()[0]).toMatchObject({ count: 2, firstTimestamp: "2023-11-14T22:13:20Z" });
  await pass(limit("eventTtlMs"));
  again.record(notice("Pulled"), AGENT);
  await pass(limit("eventFlushMs"));
  expect(events()[0]).toMatchObject({ count: 1, firstTimestamp: "2023-11-14T23:13:20Z" });
});

test("notices that differ in anything are events of their own, and one about another object of the name is too", async () => {
  const { writer } = await open();
  writer.record(notice("Pulled"), AGENT);
  writer.record(notice("Pulled"), { ...AGENT, host: "node-b" });
  writer.record(notice("Pulled", "web-1"), AGENT);
  writer.record(notice("Pulled", "web-0", "other"), AGENT);
  writer.record(notice("Failed"), AGENT);
  await pass(limit("eventFlushMs"));
  expect(events()).toHaveLength(5);
});

test("more notices than the queue holds are dropped and counted, the first ones are written in batches", async () => {
  const { writer, dropped } = await open();
  const before = bench.etcd.revision;
  for (let at = 0; at < limit("eventQueue") + 7; at += 1) writer.record(notice("Pulled", `web-${at}`), AGENT);
  expect(dropped).toEqual({ queue_full: 7 });
  await pass(limit("eventFlushMs") * 30);
  expect(events()).toHaveLength(limit("eventQueue"));
  expect(bench.etcd.revision - before).toBe(limit("eventQueue") / limit("transactionObjects"));
});

test("a store that refuses costs the events and nothing else", async () => {
  const { writer, dropped } = await open((store) => ({ ...store, transact: () => Promise.reject(new Error("down")) }));
  writer.record(notice("Pulled"), AGENT);
  await pass(limit("eventFlushMs"));
  expect(dropped).toEqual({ store: 1 });
  expect(events()).toEqual([]);
});

test("no event is written into a namespace that is being deleted or does not exist", async () => {
  const { writer, dropped } = await open();
  await bench.create({ kind: "Namespace", object: Namespace.fromPartial({ metadata: { name: "shop" } }) });
  const name = { kind: "Namespace", namespace: "", name: "shop" };
  await bench.api.delete({ name, uid: "", propagation: "", dryRun: false }, bench.as(ADMIN));
  await bench.caughtUp();
  for (const namespace of ["shop", "nowhere"])
    writer.record({ ...notice("Pulled"), about: { kind: "Pod", namespace, name: "p" } }, AGENT);
  await pass(limit("eventFlushMs"));
  expect(dropped).toEqual({ namespace: 2 });
  expect(events()).toEqual([]);
});

test("a long message is cut within its bound, and not within a character", async () => {
  const { writer } = await open();
  writer.record(notice("Long", "web-0", "ü".repeat(2_000)), AGENT);
  await pass(limit("eventFlushMs"));
  const [event] = events();
  expect(Buffer.byteLength(event?.message ?? "")).toBeLessThanOrEqual(1_024);
  expect(event?.message).toMatch(/^ü+…$/);
});

test("events are removed after an hour", async () => {
  const { writer } = await open();
  const stop = new AbortController();
  const removing = writer.removeExpired(stop.signal);
  writer.record(notice("Pulled"), AGENT);
  await pass(limit("eventFlushMs"));
  await pass(limit("eventTtlMs") - limit("eventSweepMs"));
  expect(events()).toHaveLength(1);
  await pass(limit("eventSweepMs") * 2);
  expect(events()).toEqual([]);
  stop.abort();
  await removing;
});

test("of more events than are kept the oldest go, however fast they come", async () => {
  const { writer } = await open();
  const kept = LIMITS.eventsKept.value;
  for (let second = 0; second < 25; second += 1) {
    for (let at = 0; at < 1_000; at += 1) writer.record(notice("Pulled", `web-${second}-${at}`), AGENT);
    await pass(limit("eventFlushMs") * 10);
    expect(events().length).toBeLessThanOrEqual(kept);
  }
  const names = events().map(({ involvedObject }) => involvedObject?.name ?? "");
  expect(names).toContain("web-24-999");
  expect(names).not.toContain("web-0-0");
});

test("expiredEvents: the border of an hour and the border of the number", () => {
  const cached = (name: string, lastTimestamp: string) => {
    const object = { metadata: { name }, lastTimestamp } as unknown as Event;
    return { kind: "Event", object, revision: 1, bytes: new Uint8Array() } as const;
  };
  const nowMs = Date.parse("2024-01-01T01:00:00Z");
  const list = [
    cached("edge", "2024-01-01T00:00:00Z"),
    cached("old", "2023-12-31T23:59:59Z"),
    cached("new", "2024-01-01T00:59:00Z"),
  ];
  const names = (most: number) => expiredEvents(list, nowMs, most).map(({ object }) => object.metadata?.name);
  expect(names(10)).toEqual(["old"]);
  expect(names(1)).toEqual(["old", "edge"]);
});

test("notices heard within one millisecond keep their order in the event's time", async () => {
  const { writer } = await open();
  const reasons = ["Scheduled", "Created", "Started"];
  for (const reason of reasons) writer.record(notice(reason), AGENT);
  await pass(limit("eventFlushMs"));
  expect([...events()].sort(bySeen).map(({ reason }) => reason)).toEqual(reasons);
});
