import { afterEach, expect, test } from "vitest";
import { decodeObject, encodeObject, keyOf, storeKey, type Typed } from "../../../kinds/object.js";
import { TallshipError } from "../../../lib/errors.js";
import { limit } from "../../../lib/limits.js";
import type { Identity } from "../../../lib/transport/service.js";
import {
  DeleteRequest,
  WatchEvent_Type,
  WatchRequest,
  type WatchResponse,
} from "../../../proto/gen/tallship/v1/api.js";
import { ConfigMap } from "../../../proto/gen/tallship/v1/configmap.js";
import { Node } from "../../../proto/gen/tallship/v1/node.js";
import { Pod } from "../../../proto/gen/tallship/v1/pod.js";
import { ADMIN, type ApiBench, openApiBench } from "../../../test/kit/api-bench.js";
import { settle } from "../../../test/kit/manual-clock.js";
import { peerGatherMs } from "./wakes.js";

let bench: ApiBench;
afterEach(() => bench.close());

const config = (name: string, data: Record<string, string> = {}, labels: Record<string, string> = {}): Typed => ({
  kind: "ConfigMap",
  object: ConfigMap.fromPartial({ metadata: { name, namespace: "default", labels }, data }),
});
const pod = (name: string, nodeName: string): Typed => ({
  kind: "Pod",
  object: Pod.fromPartial({
    metadata: { name, namespace: "default" },
    spec: { nodeName, containers: [{ name: "main", image: "app:1" }] },
  }),
});

/** Collects messages of a watch as short texts, such as "+a" for a put and "-a" for a delete. */
class Seen {
  readonly messages: WatchResponse[] = [];
  ended: "open" | "ended" | string = "open";
  private readonly stop = new AbortController();

  constructor(request: Parameters<typeof WatchRequest.fromPartial>[0], identity: Identity = ADMIN) {
    void this.read(WatchRequest.fromPartial(request), identity);
  }

  get events(): readonly string[] {
    return this.messages.flatMap(({ events }) =>
      events.map(({ type, name }) => `${type === WatchEvent_Type.PUT ? "+" : "-"}${name?.name}`),
    );
  }

  get last(): WatchResponse | undefined {
    return this.messages.at(-1);
  }

  close(): void {
    this.stop.abort();
  }

  private async read(request: WatchRequest, identity: Identity): Promise<void> {
    try {
      const context = { identity, signal: this.stop.signal, peer: "test" };
      for await (const message of bench.api.watch(request, context)) this.messages.push(message);
      this.ended = "ended";
    } catch (error) {
      this.ended = error instanceof TallshipError ? error.code : String(error);
    }
  }
}

const ALL = { selections: [{ kind: "ConfigMap" }] };
const NODES = { selections: [{ kind: "Node" }] };

async function update(typed: Typed): Promise<void> {
  await bench.api.update({ object: Buffer.from(encodeObject(typed)), dryRun: false }, bench.as(ADMIN));
  await bench.caughtUp();
  await settle();
}

async function remove(name: string): Promise<void> {
  const request = DeleteRequest.fromPartial({ name: { kind: "ConfigMap", namespace: "default", name } });
  await bench.api.delete(request, bench.as(ADMIN));
  await bench.caughtUp();
  await settle();
}

test("a watch sends what is there, says that it is in step, then every change", async () => {
  bench = await openApiBench();
  await bench.create(config("a"));
  const seen = new Seen(ALL);
  await settle();
  expect(seen.events).toEqual(["+a"]);
  expect(seen.last).toMatchObject({ isSynced: true, revision: bench.cache.view.revision });
  expect(seen.messages[0]?.clusterEpoch).toBe("epoch-1");
  await bench.create(config("b"));
  await update(config("b", { k: "1" }));
  await remove("a");
  expect(seen.events).toEqual(["+a", "+b", "+b", "-a"]);
  seen.close();
  await settle();
  expect(seen.ended).toBe("ended");
  expect(bench.deps.hub.size).toBe(0);
});

test("an object that leaves the selection is deleted for this watch, and put again when it returns", async () => {
  bench = await openApiBench();
  await bench.create(config("a", {}, { app: "web" }));
  const seen = new Seen({ selections: [{ kind: "ConfigMap", labels: "app=web" }] });
  await settle();
  await update(config("a", {}, { app: "db" }));
  await update(config("a", { k: "1" }, { app: "db" }));
  await update(config("a", {}, { app: "web" }));
  expect(seen.events).toEqual(["+a", "-a", "+a"]);
});

test("an object that two selections select is sent once", async () => {
  bench = await openApiBench();
  await bench.create(config("a", {}, { app: "web" }));
  const seen = new Seen({ selections: [{ kind: "ConfigMap", labels: "app=web" }, { kind: "ConfigMap" }] });
  await settle();
  await update(config("a", { k: "1" }, { app: "web" }));
  expect(seen.events).toEqual(["+a", "+a"]);
});

test("a watch resumes after a revision without losing or repeating anything", async () => {
  bench = await openApiBench();
  const first = new Seen(ALL);
  await settle();
  await bench.create(config("a"));
  await settle();
  const afterRevision = first.last?.revision ?? 0;
  first.close();
  await bench.create(config("b"));
  await remove("a");
  const second = new Seen({ ...ALL, afterRevision, clusterEpoch: "epoch-1" });
  await settle();
  expect(second.events).toEqual(["+b", "-a"]);
  expect(second.last?.isSynced).toBe(true);
});

// Each row is a position that the server cannot continue from.
const lost = [
  { name: "of another epoch", request: { afterRevision: 3, clusterEpoch: "epoch-0" }, want: "history_lost" },
  { name: "without an epoch", request: { afterRevision: 3 }, want: "invalid_argument" },
  { name: "older than the cache", request: { afterRevision: 1, clusterEpoch: "epoch-1" }, want: "history_lost" },
];
for (const { name, request, want } of lost) {
  test(`a watch after a revision ${name} fails with ${want}`, async () => {
    bench = await openApiBench();
    const late = await openApiBench({ etcd: bench.etcd });
    bench.close();
    bench = late;
    const seen = new Seen({ ...ALL, ...request });
    await settle();
    expect(seen.ended).toBe(want);
  });
}

test("a watcher that does not read is cut when its buffer is full, and the others go on", async () => {
  bench = await openApiBench();
  const context = bench.as(ADMIN);
  const slow = bench.api.watch(WatchRequest.fromPartial(ALL), context)[Symbol.asyncIterator]();
  expect((await slow.next()).value.isSynced).toBe(true);
  const fast = new Seen(ALL);
  const count = limit("watcherBufferEvents") + 1;
  for (let at = 0; at < count; at += 10_000) {
    const names = Array.from({ length: Math.min(10_000, count - at) }, (_, index) => config(`c${at + index}`));
    await bench.apply(names, { set: `set-${at}` });
  }
  await settle();
  await expect(slow.next()).rejects.toMatchObject({ code: "slow_watcher" });
  expect(fast.events).toHaveLength(count);
  expect(bench.deps.hub.size).toBe(1);
});

test("many changes at once come in few messages, each with many events", async () => {
  bench = await openApiBench();
  const seen = new Seen(ALL);
  await settle();
  await bench.apply(Array.from({ length: 1_000 }, (_, at) => config(`c${at}`)));
  await settle();
  expect(seen.events).toHaveLength(1_000);
  expect(seen.messages.length).toBeLessThan(50);
  for (const { events } of seen.messages) expect(events.length).toBeLessThanOrEqual(limit("watchEventsPerMessage"));
  const revisions = seen.messages.map(({ revision }) => revision);
  expect(revisions).toEqual([...revisions].sort((left, right) => left - right));
});

test("a message that ends within a revision does not say that the revision was sent in full", async () => {
  bench = await openApiBench();
  const context = bench.as(ADMIN);
  const watch = bench.api.watch(WatchRequest.fromPartial(ALL), context)[Symbol.asyncIterator]();
  await watch.next();
  await bench.apply(Array.from({ length: 1_000 }, (_, at) => config(`c${String(at).padStart(4, "0")}`)));
  let sent = 0;
  while (sent < 1_000) {
    const { value } = await watch.next();
    sent += value.events.length;
    const resumed = bench.cache.batchesAfter(value.revision)?.flatMap(({ changes }) => changes) ?? [];
    const left = resumed.filter(({ key }) => key.kind === "ConfigMap").length;
    expect(sent + left).toBeGreaterThanOrEqual(1_000);
  }
});

test("a node watches its own pods whatever it asks for, and sees them come and go", async () => {
  bench = await openApiBench();
  await bench.create(pod("theirs", "node-b"));
  await bench.create(pod("mine", "node-a"));
  const node: Identity = { role: "node", name: "node-a" };
  const seen = new Seen({ selections: [{ kind: "Pod", fields: "" }] }, node);
  const sly = new Seen({ selections: [{ kind: "Pod", fields: "spec.nodeName=node-b" }] }, node);
  const secrets = new Seen({ selections: [{ kind: "Pod" }, { kind: "Secret" }] }, node);
  await settle();
  await bench.create(pod("theirs-2", "node-b"));
  await bench.create(pod("mine-2", "node-a"));
  await settle();
  expect(seen.events).toEqual(["+mine", "+mine-2"]);
  expect(sly.events).toEqual([]);
  expect(secrets.ended).toBe("forbidden");
});

test("a node is told of others how they are reached and whether they are ready, and not of what else changes there", async () => {
  bench = await openApiBench();
  const overlay = { underlayIP: "192.0.2.7", vtepMAC: "02:00:00:00:00:07", mtu: 1450 };
  const spec = { podCIDR: "10.128.4.0/22", podCIDRs: ["10.128.4.0/22"], unschedulable: true };
  const labels = { "topology.kubernetes.io/zone": "a" };
  const nodeWith = (ready: string, memory: string): Typed => ({
    kind: "Node",
    object: Node.fromPartial({
      metadata: { name: "node-b", labels },
      spec,
      status: { allocatable: { memory }, overlay, conditions: [{ type: "Ready", status: ready, message: memory }] },
    }),
  });
  const write = async (typed: Typed): Promise<void> => {
    const key = storeKey(keyOf(typed));
    await bench.store.transact({ checks: [], writes: [{ op: "put", key, value: encodeObject(typed) }] });
    await bench.caughtUp();
    await settle();
  };
  await write(nodeWith("True", "1Gi"));
  const peer = new Seen({ selections: [{ kind: "Node" }] }, { role: "node", name: "node-a" });
  const admin = new Seen({ selections: [{ kind: "Node" }] });
  await settle();
  await write(nodeWith("True", "2Gi"));
  expect([peer.events, admin.events]).toEqual([["+node-b"], ["+node-b", "+node-b"]]);
  await write(nodeWith("False", "2Gi"));
  expect([peer.events.length, admin.events.length]).toEqual([2, 3]);
  const shown = peer.last?.events[0]?.item?.object;
  expect(shown && decodeObject(shown).object).toEqual(
    Node.fromPartial({
      metadata: { name: "node-b", labels },
      spec: { podCIDR: spec.podCIDR, podCIDRs: spec.podCIDRs },
      status: { overlay, conditions: [{ type: "Ready", status: "False" }] },
    }),
  );
  const late = new Seen({ selections: [{ kind: "Node" }] }, { role: "node", name: "node-c" });
  await settle();
  expect(late.messages[0]?.events[0]?.item?.object).toEqual(shown);
});

test("a pod that is bound while it is watched by node appears there", async () => {
  bench = await openApiBench();
  await bench.create(pod("web", ""));
  const seen = new Seen({ selections: [{ kind: "Pod" }] }, { role: "node", name: "node-a" });
  await settle();
  await update(pod("web", "node-a"));
  expect(seen.events).toEqual(["+web"]);
});

test("a node that resumes sees which pods have come to it and left it meanwhile, and no other node's", async () => {
  bench = await openApiBench();
  for (const [name, node] of [
    ["stays", "node-a"],
    ["goes", "node-a"],
    ["comes", ""],
    ["theirs", "node-b"],
  ] as const)
    await bench.create(pod(name, node));
  const node: Identity = { role: "node", name: "node-a" };
  const request = { selections: [{ kind: "Pod" }, { kind: "Node" }] };
  const first = new Seen(request, node);
  await settle();
  expect([...first.events].sort()).toEqual(["+goes", "+stays"]);
  const afterRevision = first.last?.revision ?? 0;
  first.close();
  const drop = async (name: string): Promise<void> => {
    const key = { kind: "Pod", namespace: "default", name } as const;
    await bench.store.transact({ checks: [], writes: [{ op: "delete", key: storeKey(key) }] });
    await bench.caughtUp();
  };
  await drop("goes");
  await drop("theirs");
  await update(pod("comes", "node-a"));
  await bench.create(pod("theirs-2", "node-b"));
  await bench.create({ kind: "Node", object: Node.fromPartial({ metadata: { name: "node-b" } }) });
  await bench.create(config("others"));
  const second = new Seen({ ...request, afterRevision, clusterEpoch: "epoch-1" }, node);
  await settle();
  expect([second.ended, second.events]).toEqual(["open", ["-goes", "+comes", "+node-b"]]);
  expect(second.last).toMatchObject({ isSynced: true, revision: bench.cache.view.revision });
});

test("a watch that sees nothing is told how far it is before the history moves past it", async () => {
  bench = await openApiBench();
  const idle = new Seen({ selections: [{ kind: "Secret" }] });
  await settle();
  expect(idle.messages).toHaveLength(1);
  const count = limit("watchHistoryEvents") / 4;
  await bench.apply(Array.from({ length: count }, (_, at) => config(`c${at}`)));
  await settle();
  expect(idle.events).toEqual([]);
  expect(idle.messages).toHaveLength(2);
  expect(bench.cache.batchesAfter(idle.last?.revision ?? 0)).toBeDefined();
});

test("watches that see nothing are told so one after the other, not all at once", async () => {
  bench = await openApiBench();
  const idle = ["Secret", "Service"].map((kind) => new Seen({ selections: [{ kind }] }));
  await settle();
  const told = () => idle.map(({ messages }) => messages.length);
  expect(told()).toEqual([1, 1]);
  await bench.apply(Array.from({ length: limit("watchHistoryEvents") / 8 }, (_, at) => config(`c${at}`)));
  await settle();
  expect(told()).toEqual([2, 1]);
});

test("no more watches are open than a replica takes, and one that ends makes room", async () => {
  bench = await openApiBench();
  const open = Array.from({ length: limit("watchersPerReplica") }, () =>
    bench.deps.hub.open([], { initial: [], missed: [] }),
  );
  const refused = new Seen(ALL);
  await settle();
  expect(refused.ended).toBe("resource_exhausted");
  for (const watcher of open.slice(0, 1)) bench.deps.hub.close(watcher);
  const taken = new Seen(ALL);
  await settle();
  expect(taken.ended).toBe("open");
});

test("many nodes are told of changes of a peer together, once each, and by one message that is encoded once; an operator is told of each at once", async () => {
  bench = await openApiBench();
  const nodeWith = (name: string, ready: string): Typed => ({
    kind: "Node",
    object: Node.fromPartial({ metadata: { name }, status: { conditions: [{ type: "Ready", status: ready }] } }),
  });
  const write = async (typed: Typed): Promise<void> => {
    const key = storeKey(keyOf(typed));
    await bench.store.transact({ checks: [], writes: [{ op: "put", key, value: encodeObject(typed) }] });
    await bench.caughtUp();
    await settle();
  };
  const count = 250;
  const peers = Array.from({ length: count }, (_, at) => new Seen(NODES, { role: "node", name: `node-${at}` }));
  const admin = new Seen(NODES);
  await settle();
  await write(nodeWith("node-a", "True"));
  await write(nodeWith("node-b", "True"));
  await write(nodeWith("node-a", "False"));
  expect(admin.events).toEqual(["+node-a", "+node-b", "+node-a"]);
  expect(peers.flatMap(({ events }) => events)).toEqual([]);
  await bench.clock.advance(peerGatherMs(count));
  for (const { events, messages } of peers) {
    expect(events).toEqual(["+node-a", "+node-b", "+node-a"]);
    expect(messages).toHaveLength(2);
  }
  expect(new Set(peers.map(({ last }) => last)).size).toBe(1);
});
