import { expect, test } from "vitest";
import { encodeObject } from "../../kinds/object.js";
import type { Clock } from "../../lib/clock.js";
import { TallshipError } from "../../lib/errors.js";
import { LIMITS } from "../../lib/limits.js";
import { silentLog } from "../../lib/log.js";
import { seededRng } from "../../lib/rng.js";
import { memoryNetwork } from "../../lib/transport/memory.js";
import { bind, type CallContext, type Handlers } from "../../lib/transport/service.js";
import { ObjectsDefinition, WatchEvent_Type, type WatchResponse } from "../../proto/gen/tallship/v1/api.js";
import { Pod, PodStatus } from "../../proto/gen/tallship/v1/pod.js";
import {
  type ControlMessage,
  type NodeMessage,
  NodesDefinition,
  SessionHello,
} from "../../proto/gen/tallship/v1/session.js";
import { ManualClock } from "../../test/kit/manual-clock.js";
import { AddressBook } from "./address-book.js";
import { LeaderSession, type SessionParts } from "./leader-session.js";
import { EMPTY_MAP, nextMap } from "./network-map.js";
import { StatusReporter } from "./status-reporter.js";
import { type WatchUpdate, watchObjects } from "./watch-objects.js";

const node = { name: "node-a", role: "node" } as const;

function world() {
  const clock = new ManualClock();
  const network = memoryNetwork(clock);
  const book = new AddressBook(network.dialer(node), ["a:1", "b:1"]);
  return { clock, network, book, rng: seededRng(1), log: silentLog, over: new AbortController() };
}

function serveSession(
  network: ReturnType<typeof memoryNetwork>,
  address: string,
  session: (messages: AsyncIterable<NodeMessage>, context: CallContext) => AsyncIterable<ControlMessage>,
): { close(): void } {
  const handlers: Partial<Handlers<typeof NodesDefinition>> = { session };
  return network.serve(address, [bind(NodesDefinition, handlers as Handlers<typeof NodesDefinition>, () => undefined)]);
}

async function* welcome(messages: AsyncIterable<NodeMessage>, seen: NodeMessage[]): AsyncGenerator<ControlMessage> {
  for await (const message of messages) {
    seen.push(message);
    if (message.part?.$case === "heartbeat")
      yield { part: { $case: "ack", value: { sequence: message.part.value.sequence } } };
    if (message.part?.$case === "hello") {
      yield {
        part: {
          $case: "welcome",
          value: { clusterEpoch: "e1", heartbeatMs: 500, podCIDRs: ["10.128.0.0/22"], controlPlaneAddresses: [] },
        },
      };
    }
  }
}

function parts(of: ReturnType<typeof world>, told: string[]): SessionParts {
  return {
    ...of,
    hello: () => SessionHello.fromPartial({ bootID: "boot" }),
    usage: () => undefined,
    onWelcome: (each) => told.push(`welcome ${each.podCIDRs}`),
    onControlPlanes: () => told.push(`control planes ${of.book.known}`),
    onCutOver: (revision) => told.push(`cut-over ${revision}`),
    onOpenStream: () => undefined,
    onConfigsChanged: () => undefined,
    onPolicies: (update) => told.push(`policies ${update.revision}`),
    onUsageWanted: () => undefined,
  };
}

test("a leader that leaves four heartbeats unanswered is given up", async () => {
  const of = world();
  const seen: NodeMessage[] = [];
  serveSession(of.network, "a:1", async function* (messages) {
    for await (const answer of welcome(messages, seen)) if (answer.part?.$case === "welcome") yield answer;
  });
  void new LeaderSession(parts(of, [])).run(of.over.signal);
  await of.clock.advance(2_000);
  expect(seen.filter(({ part }) => part?.$case === "hello")).toHaveLength(1);
  expect(seen.filter(({ part }) => part?.$case === "heartbeat").length).toBeGreaterThanOrEqual(4);
  await of.clock.advance(5_000);
  expect(seen.filter(({ part }) => part?.$case === "hello").length).toBeGreaterThan(1);
  of.over.abort();
});

test("what the host uses is said at once, and then once in a while, not with every heartbeat", async () => {
  const of = world();
  const seen: NodeMessage[] = [];
  let readCount = 0;
  const usage = () => {
    readCount += 1;
    // The first reading has nothing to compare with.
    return readCount === 1 ? undefined : { cpuMillicores: 100 * readCount, memoryBytes: 1 };
  };
  serveSession(of.network, "a:1", (messages) => welcome(messages, seen));
  void new LeaderSession({ ...parts(of, []), usage }).run(of.over.signal);
  await of.clock.advance(4_900);
  const said = seen.flatMap(({ part }) => (part?.$case === "heartbeat" ? [part.value.usage?.cpuMillicores] : []));
  const nothing = undefined;
  expect(said).toEqual([nothing, 200, nothing, nothing, nothing, 300, nothing, nothing, nothing, 400]);
  of.over.abort();
});

test("an agent that was stopped itself, for whatever time, does not take its leader for silent", async () => {
  const of = world();
  const seen: NodeMessage[] = [];
  const told: string[] = [];
  let stoppedMs = 0;
  const clock: Clock = {
    nowMs: () => of.clock.nowMs() + stoppedMs,
    monotonicMs: () => of.clock.monotonicMs() + stoppedMs,
    after: (delayMs, call) => of.clock.after(delayMs, call),
    sleep: (delayMs, signal) => of.clock.sleep(delayMs, signal),
  };
  serveSession(of.network, "a:1", (messages) => welcome(messages, seen));
  void new LeaderSession({ ...parts(of, told), clock }).run(of.over.signal);
  await of.clock.advance(1_000);
  stoppedMs = 60_000;
  await of.clock.advance(5_000);
  expect(told).toEqual(["welcome 10.128.0.0/22"]);
  of.over.abort();
});

test("however long nobody led: a node is with a leader well within the time after which that would take it for lost", async () => {
  for (let seed = 0; seed < 10; seed += 1) {
    const of = { ...world(), rng: seededRng(seed) };
    const told: string[] = [];
    let leader = "";
    for (const address of ["a:1", "b:1"])
      serveSession(of.network, address, async function* (messages) {
        if (address === leader) return yield* welcome(messages, []);
        throw new TallshipError("not_leader", "another leads", { details: leader === "" ? {} : { leader } });
      });
    void new LeaderSession(parts(of, told)).run(of.over.signal);
    await of.clock.advance(10_000 + 97 * seed);
    leader = "b:1";
    await of.clock.advance(LIMITS.nodeNotReadyMs.value - 800);
    expect(told).toEqual(["welcome 10.128.0.0/22"]);
    of.over.abort();
  }
});

test("a leader that lost its power is not waited for again and again: the node is with the next one in time", async () => {
  const of = world();
  const told: string[] = [];
  let leader = "a:1";
  serveSession(of.network, "a:1", async function* (messages) {
    for await (const answer of welcome(messages, [])) if (leader === "a:1") yield answer;
  });
  serveSession(of.network, "b:1", async function* (messages) {
    if (leader === "b:1") return yield* welcome(messages, []);
    throw new TallshipError("not_leader", "another leads", { details: { leader: "a:1" } });
  });
  void new LeaderSession(parts(of, told)).run(of.over.signal);
  await of.clock.advance(1_000);
  leader = ""; // Nobody answers at a, and b names it until its lease has run out.
  await of.clock.advance(4_000);
  leader = "b:1";
  await of.clock.advance(LIMITS.nodeNotReadyMs.value);
  expect(told).toHaveLength(2);
  of.over.abort();
});

test("a replica that does not lead is left for the leader it names, and heartbeats count up", async () => {
  const of = world();
  const seen: NodeMessage[] = [];
  const told: string[] = [];
  serveSession(of.network, "a:1", async function* () {
    yield* [];
    throw new TallshipError("not_leader", "b leads", { details: { leader: "b:1" } });
  });
  serveSession(of.network, "b:1", (messages) => welcome(messages, seen));
  const session = new LeaderSession(parts(of, told));
  const running = session.run(of.over.signal);
  await of.clock.advance(3_000);
  expect(told).toEqual(["welcome 10.128.0.0/22"]);
  const beats = seen.flatMap(({ part }) => (part?.$case === "heartbeat" ? [part.value] : []));
  expect(beats.map(({ sequence }) => sequence)).toEqual(beats.map((_, at) => at + 1));
  expect(beats.length).toBeGreaterThanOrEqual(5);
  session.applied(42);
  await of.clock.advance(1);
  expect(seen.at(-1)?.part).toMatchObject({ $case: "heartbeat", value: { endpointRevisionApplied: 42 } });
  of.over.abort();
  await running;
});

test("what changes between the hello and the welcome is said with the welcome", async () => {
  const of = world();
  const seen: NodeMessage[] = [];
  const open = new AbortController();
  serveSession(of.network, "a:1", async function* (messages) {
    const answers = welcome(messages, seen);
    // The welcome takes its time: the node has no pod subnet yet.
    for await (const answer of answers) {
      await of.clock.sleep(500, open.signal);
      yield answer;
    }
  });
  let bootID = "before";
  const session = new LeaderSession({ ...parts(of, []), hello: () => SessionHello.fromPartial({ bootID }) });
  const running = session.run(of.over.signal);
  await of.clock.advance(100);
  bootID = "after";
  session.describe();
  await of.clock.advance(2_000);
  const hellos = seen.flatMap(({ part }) => (part?.$case === "hello" ? [part.value.bootID] : []));
  expect(hellos.slice(0, 2)).toEqual(["before", "after"]);
  of.over.abort();
  open.abort();
  await running;
});

test("a leader that dies is looked for again", async () => {
  const of = world();
  const seen: NodeMessage[] = [];
  const told: string[] = [];
  const first = serveSession(of.network, "a:1", (messages) => welcome(messages, seen));
  const running = new LeaderSession(parts(of, told)).run(of.over.signal);
  await of.clock.advance(600);
  first.close();
  serveSession(of.network, "b:1", (messages) => welcome(messages, seen));
  await of.clock.advance(5_000);
  expect(told).toHaveLength(2);
  of.over.abort();
  await running;
});

const pod = (name: string): Pod => Pod.fromPartial({ metadata: { name, namespace: "default", uid: `uid-${name}` } });
const put = (name: string, revision: number) => ({
  type: WatchEvent_Type.PUT,
  name: { kind: "Pod", namespace: "default", name },
  item: { object: Buffer.from(encodeObject({ kind: "Pod", object: pod(name) })), revision },
});

test("a watch shows the first picture whole, resumes after a break, and starts over when the history is lost", async () => {
  const of = world();
  const asked: number[] = [];
  const answers: (readonly WatchResponse[] | TallshipError)[] = [
    [
      { events: [put("a", 3)], revision: 5, isSynced: false, clusterEpoch: "e" },
      { events: [put("b", 4)], revision: 5, isSynced: true, clusterEpoch: "" },
    ],
    new TallshipError("history_lost", "compacted"),
    [{ events: [put("b", 4)], revision: 9, isSynced: true, clusterEpoch: "e" }],
  ];
  const handlers: Partial<Handlers<typeof ObjectsDefinition>> = {
    watch: async function* ({ afterRevision }, { signal }) {
      asked.push(afterRevision);
      const answer = answers.shift();
      if (answer instanceof TallshipError) throw answer;
      if (answer !== undefined) yield* answer;
      else await of.clock.sleep(1e9, signal);
    },
  };
  for (const address of ["a:1", "b:1"])
    of.network.serve(address, [
      bind(ObjectsDefinition, handlers as Handlers<typeof ObjectsDefinition>, () => undefined),
    ]);
  const updates: WatchUpdate[] = [];
  const running = watchObjects({ ...of, selections: [], onUpdate: (update) => updates.push(update) }, of.over.signal);
  await of.clock.advance(20_000);
  expect(asked).toEqual([0, 5, 0, 9]);
  expect(updates.map(({ isWhole, revision, changes }) => [isWhole, revision, changes.map(({ key }) => key)])).toEqual([
    [true, 5, ["Pod/default/a", "Pod/default/b"]],
    [true, 9, ["Pod/default/b"]],
  ]);
  of.over.abort();
  await running;
});

test("only the latest status of a pod is sent, and a failed one again", async () => {
  const of = world();
  const calls: string[][] = [];
  let isBroken = true;
  const handlers: Partial<Handlers<typeof ObjectsDefinition>> = {
    updateStatus: async ({ objects }) => {
      if (isBroken) throw new TallshipError("unavailable", "not now");
      calls.push(
        objects.map(
          (bytes) =>
            Buffer.from(bytes)
              .toString("latin1")
              .match(/Running|Pending/)?.[0] ?? "",
        ),
      );
      return { results: objects.map(() => ({ code: "", message: "", revision: 7 })) };
    },
  };
  for (const address of ["a:1", "b:1"])
    of.network.serve(address, [
      bind(ObjectsDefinition, handlers as Handlers<typeof ObjectsDefinition>, () => undefined),
    ]);
  const reporter = new StatusReporter(of);
  const running = reporter.run(of.over.signal);
  reporter.report(pod("a"), PodStatus.fromPartial({ phase: "Pending" }));
  await of.clock.advance(50);
  expect(reporter.pendingCount).toBe(1);
  reporter.report(pod("a"), PodStatus.fromPartial({ phase: "Running" }));
  reporter.report(pod("b"), PodStatus.fromPartial({ phase: "Running" }));
  isBroken = false;
  await of.clock.advance(1_000);
  expect(calls).toEqual([["Running", "Running"]]);
  expect(reporter.pendingCount).toBe(0);
  of.over.abort();
  await running;
});

// The code decides: what passes by itself is sent again, what cannot become right is not.
for (const { code, want } of [
  { code: "store_unavailable", want: 2 },
  { code: "version_conflict", want: 2 },
  { code: "failed_precondition", want: 1 },
  { code: "not_found", want: 1 },
]) {
  test(`a status refused with ${code} is sent ${want === 1 ? "once" : "again"}`, async () => {
    const of = world();
    let calls = 0;
    const handlers: Partial<Handlers<typeof ObjectsDefinition>> = {
      updateStatus: async ({ objects }) => {
        calls += 1;
        return { results: objects.map(() => ({ code: calls === 1 ? code : "", message: "", revision: 1 })) };
      },
    };
    of.network.serve("a:1", [bind(ObjectsDefinition, handlers as Handlers<typeof ObjectsDefinition>, () => undefined)]);
    const reporter = new StatusReporter(of);
    const running = reporter.run(of.over.signal);
    reporter.report(
      Pod.fromPartial({ metadata: { uid: "u", name: "a", namespace: "default" } }),
      PodStatus.fromPartial({ phase: "Running" }),
    );
    await of.clock.advance(1_000);
    expect(calls).toBe(want);
    of.over.abort();
    await running;
  });
}

test("the network map shares what did not change and forgets what a whole picture does not name", () => {
  const change = (name: string) => ({
    key: `Node//${name}`,
    typed: { kind: "Node" as const, object: { metadata: undefined } },
  });
  const first = nextMap(EMPTY_MAP, { changes: [change("n1"), change("n2")], revision: 1, isWhole: true });
  expect([...first.nodes.keys()]).toEqual(["n1", "n2"]);
  const second = nextMap(first, { changes: [{ key: "Node//n1", typed: undefined }], revision: 2, isWhole: false });
  expect([...second.nodes.keys()]).toEqual(["n2"]);
  expect(second.services).toBe(first.services);
  const third = nextMap(second, { changes: [], revision: 3, isWhole: true });
  expect(third.nodes.size).toBe(0);
});
