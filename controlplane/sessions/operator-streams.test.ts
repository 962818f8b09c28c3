import { describe, expect, test } from "vitest";
import { LIMITS } from "../../lib/limits.js";
import { Pipe } from "../../lib/transport/pipe.js";
import { ExecInput, type ExecOutput, LogsRequest, StreamsDefinition } from "../../proto/gen/tallship/v1/streams.js";
import { FakeNode } from "../../test/kit/fake-node.js";
import { sessionWorld } from "../../test/kit/session-world.js";

/** The leader is a; the operator talks to a or b. */
async function operatorWorld(via: "a" | "b" = "b") {
  const world = sessionWorld();
  const a = await world.startReplica("a");
  const b = await world.startReplica("b");
  a.lead();
  await world.putNode("n1");
  await world.putPod("web", "n1");
  const node = new FakeNode(world.dialer({ name: "n1", role: "node" }), "a:7443");
  node.hello();
  await world.clock.advance(10);
  const operator = world.dialer({ name: "ada", role: "admin" }).dial(`${via}:7443`).client(StreamsDefinition);
  const settle = () => world.clock.advance(1);
  return { ...world, a, b, node, operator, settle };
}

const ofWeb = LogsRequest.fromPartial({ namespace: "default", pod: "web" });

/** Reads a stream to its end in the background. */
function reading<T>(source: AsyncIterable<T>) {
  const seen: T[] = [];
  const result: { readonly seen: T[]; error: unknown; isOver: boolean } = { seen, error: undefined, isOver: false };
  void (async () => {
    try {
      for await (const value of source) seen.push(value);
    } catch (error) {
      result.error = error;
    }
    result.isOver = true;
  })();
  return result;
}

describe.each(["a", "b"] as const)("logs by way of replica %s", (via) => {
  test("come from the node that runs the pod, to the replica that asked", async () => {
    const { node, operator, settle } = await operatorWorld(via);
    const logs = reading(operator.logs(ofWeb));
    await settle();
    const open = node.lastOpen();
    expect(open).toMatchObject({
      replicaAddress: `${via}:7443`,
      podUID: "uid-web",
      what: { $case: "logs", value: { container: "main" } },
    });
    const carry = node.carry(open);
    for (const line of ["one\n", "two\n"])
      carry.send({ $case: "logs", value: { bytes: Buffer.from(line), missedLineCount: 0, note: "" } });
    carry.end();
    await settle();
    expect(logs.seen.map(({ bytes }) => `${bytes}`)).toEqual(["one\n", "two\n"]);
    expect(logs).toMatchObject({ isOver: true, error: undefined });
    expect(carry.ending).toEqual({ error: undefined });
  });

  test("that the node refuses fail with the node's reason", async () => {
    const { node, operator, settle } = await operatorWorld(via);
    const logs = reading(operator.logs(ofWeb));
    await settle();
    const { operationID } = node.lastOpen();
    node.send({
      $case: "refused",
      value: { operationID, code: "not_found", message: "container main has not started" },
    });
    await settle();
    expect(logs.error).toMatchObject({ code: "not_found", message: "node n1: container main has not started" });
  });

  test("whose node never comes fail with a deadline, and a node that comes later is sent away", async () => {
    const { clock, node, operator, settle } = await operatorWorld(via);
    const logs = reading(operator.logs(ofWeb));
    await settle();
    await clock.advance(LIMITS.streamOpenMs.value);
    expect(logs.error).toMatchObject({ code: "deadline_exceeded" });
    const late = node.carry(node.lastOpen());
    await settle();
    expect(late.ending?.error).toMatchObject({ code: "not_found" });
  });

  test("whose node loses its session before it came fail at once", async () => {
    const { node, operator, settle } = await operatorWorld(via);
    const logs = reading(operator.logs(ofWeb));
    await settle();
    node.die();
    await settle();
    expect(logs.error).toMatchObject({ code: "unavailable" });
  });
});

describe("a stream", () => {
  test("ends on the node when the operator leaves, even while the node is silent", async () => {
    const { node, operator, settle } = await operatorWorld();
    const abort = new AbortController();
    const logs = reading(operator.logs({ ...ofWeb, follow: true }, { signal: abort.signal }));
    await settle();
    const carry = node.carry(node.lastOpen());
    await settle();
    abort.abort();
    await settle();
    expect(logs.error).toMatchObject({ code: "cancelled" });
    expect(carry.received.map(({ part }) => part?.$case)).toEqual(["cancel"]);
    expect(carry.ending).toBeDefined();
  });

  test("fails with unavailable when the node dies in its middle", async () => {
    const { node, operator, settle } = await operatorWorld();
    const logs = reading(operator.logs(ofWeb));
    await settle();
    const carry = node.carry(node.lastOpen());
    carry.send({ $case: "logs", value: { bytes: Buffer.from("one\n"), missedLineCount: 0, note: "" } });
    await settle();
    carry.die();
    await settle();
    expect(logs.seen).toHaveLength(1);
    expect(logs.error).toMatchObject({
      code: "unavailable",
      message: expect.stringContaining("node n1 broke the stream off"),
    });
  });

  test("that another node brings is refused, though it knows the operation", async () => {
    const { dialer, node, operator, settle } = await operatorWorld();
    const logs = reading(operator.logs(ofWeb));
    await settle();
    const thief = new FakeNode(dialer({ name: "n2", role: "node" }), "a:7443").carry(node.lastOpen());
    await settle();
    expect(thief.ending?.error).toMatchObject({ code: "not_found" });
    expect(logs.isOver).toBe(false);
  });

  test("holds the node back while the operator does not read", async () => {
    const { node, operator, settle } = await operatorWorld();
    const reader = operator.logs(ofWeb)[Symbol.asyncIterator]();
    void reader.next();
    await settle();
    const carry = node.carry(node.lastOpen());
    let sentCount = 0;
    const frame = { $case: "logs", value: { bytes: Buffer.from("x"), missedLineCount: 0, note: "" } } as const;
    for (; sentCount < 10_000 && carry.send(frame); sentCount += 1) await settle();
    expect(sentCount).toBeLessThan(100);
    await reader.return?.(undefined);
  });

  // Each row is a mistake that people make; each gets an answer without a node being asked.
  test.each([
    {
      name: "a pod that does not exist",
      request: { pod: "none" },
      want: "not_found",
      says: "Pod/default/none does not exist",
    },
    {
      name: "a pod without a node",
      request: { pod: "pending" },
      want: "failed_precondition",
      says: "not bound to a node yet",
    },
    {
      name: "a pod on a node that is away",
      request: { pod: "away" },
      want: "unavailable",
      says: "node n9 is not connected",
    },
    {
      name: "a container that is not there",
      request: { pod: "web", container: "x" },
      want: "not_found",
      says: "it has main",
    },
    {
      name: "one of several containers",
      request: { pod: "two" },
      want: "invalid_argument",
      says: "choose one: app, proxy",
    },
  ])("for $name is refused: $want", async ({ request, want, says }) => {
    const { operator, settle, putPod } = await operatorWorld();
    await putPod("pending", "");
    await putPod("away", "n9");
    await putPod("two", "n1", ["app", "proxy"]);
    const logs = reading(operator.logs(LogsRequest.fromPartial({ namespace: "default", ...request })));
    await settle();
    expect(logs.error).toMatchObject({ code: want, message: expect.stringContaining(says) });
  });

  test("is not for nodes to ask for", async () => {
    const { dialer, settle } = await operatorWorld();
    const logs = reading(dialer({ name: "n2", role: "node" }).dial("a:7443").client(StreamsDefinition).logs(ofWeb));
    await settle();
    expect(logs.error).toMatchObject({ code: "forbidden" });
  });

  test("fails clearly while nobody leads", async () => {
    const { operator, settle, setLeader } = await operatorWorld();
    setLeader(undefined);
    const logs = reading(operator.logs(ofWeb));
    await settle();
    expect(logs.error).toMatchObject({
      code: "unavailable",
      message: expect.stringContaining("no control plane leads"),
    });
  });
});

describe("exec", () => {
  const input = (part: NonNullable<ExecInput["part"]>): ExecInput => ExecInput.fromPartial({ part });
  const start = input(
    ExecInput.fromPartial({ part: { $case: "start", value: { namespace: "default", pod: "web", command: ["sh"] } } })
      .part ?? {
      $case: "cancel",
      value: true,
    },
  );
  const output = (part: NonNullable<ExecOutput["part"]>) => ({ $case: "exec", value: { part } }) as const;

  test("carries input, resize and output both ways, and ends with the exit code", async () => {
    const { node, operator, settle } = await operatorWorld();
    const inputs = new Pipe<ExecInput>(16);
    inputs.push(start);
    const outputs = reading(operator.exec(inputs));
    await settle();
    const carry = node.carry(node.lastOpen());
    inputs.push(input({ $case: "stdin", value: Buffer.from("ls\n") }));
    inputs.push(input({ $case: "resize", value: { width: 80, height: 24 } }));
    await settle();
    carry.send(output({ $case: "stdout", value: Buffer.from("bin\n") }));
    inputs.end();
    await settle();
    carry.send(output({ $case: "exitCode", value: 3 }));
    await settle();
    expect(carry.received.map(({ part }) => (part?.$case === "exec" ? part.value.part?.$case : part?.$case))).toEqual([
      "stdin",
      "resize",
      "stdinClosed",
      "cancel",
    ]);
    expect(outputs.seen.map(({ part }) => part?.$case)).toEqual(["stdout", "exitCode"]);
    expect(outputs).toMatchObject({ isOver: true, error: undefined });
  });

  test("whose node ends without an exit code fails: the end is not known", async () => {
    const { node, operator, settle } = await operatorWorld();
    const inputs = new Pipe<ExecInput>(16);
    inputs.push(start);
    const outputs = reading(operator.exec(inputs));
    await settle();
    node.carry(node.lastOpen()).end();
    await settle();
    expect(outputs.error).toMatchObject({
      code: "unavailable",
      message: expect.stringContaining("without an exit code"),
    });
  });

  test("that does not begin with a command is refused", async () => {
    const { operator, settle } = await operatorWorld();
    const inputs = new Pipe<ExecInput>(16);
    inputs.push(input({ $case: "stdin", value: Buffer.from("x") }));
    const outputs = reading(operator.exec(inputs));
    await settle();
    expect(outputs.error).toMatchObject({ code: "invalid_argument" });
  });
});
