import { type Answer, decode, encode, type RecordType } from "dns-packet";
import { expect, test } from "vitest";
import { limit } from "../../lib/limits.js";
import { silentLog } from "../../lib/log.js";
import { seededRng } from "../../lib/rng.js";
import { ManualClock } from "../../test/kit/manual-clock.js";
import { Forwarder } from "./forwarder.js";
import { RCODE, type Reply } from "./message.js";
import { isAnswerTo } from "./upstream.js";
import { UpstreamServers } from "./upstream-servers.js";

interface World {
  readonly clock: ManualClock;
  readonly forwarder: Forwarder;
  /** Names asked of servers, `server name`. */
  readonly asked: string[];
  /** What a server says; absent: it does not answer. */
  readonly says: Map<string, (id: number, name: string) => Buffer>;
  servers: readonly string[];
  readonly probed: string[];
}

function world(): World {
  const clock = new ManualClock();
  const rng = seededRng(1);
  const asked: string[] = [];
  const probed: string[] = [];
  const says: World["says"] = new Map();
  const made = { servers: ["1.1.1.1", "2.2.2.2"] as readonly string[] };
  const forwarder = new Forwarder({
    ask: async (server, query) => {
      const { id = 0, questions = [] } = decode(query);
      const name = questions[0]?.name ?? "";
      asked.push(`${server} ${name}`);
      const answer = says.get(server);
      if (answer === undefined) throw new Error("no answer in time");
      return answer(id, name);
    },
    servers: new UpstreamServers({
      read: () => made.servers,
      probe: (server, name) => probed.push(`${server} ${name}`),
      rng,
      log: silentLog,
    }),
    clock,
    rng,
  });
  return Object.assign(made, { clock, forwarder, asked, says, probed });
}

const reply =
  (answers: readonly Answer[], code: number = RCODE.ok, authorities: readonly Answer[] = []) =>
  (id: number, name: string): Buffer =>
    encode({
      type: "response",
      id,
      flags: code,
      questions: [{ name, type: "A" as RecordType & "A", class: "IN" }],
      answers: [...answers],
      authorities: [...authorities],
    });
const address = (ttl: number): Answer => ({ type: "A", name: "example.com", ttl, data: "192.0.2.1" });
const ask = (at: World, name = "example.com"): Promise<Reply> => at.forwarder.resolve({ name, type: "A" });
const ttls = ({ answers }: Reply): unknown[] => answers.map((answer) => "ttl" in answer && answer.ttl);

test("an answer is remembered as long as its server says, and never for longer by those who ask later", async () => {
  const at = world();
  at.says.set("1.1.1.1", reply([address(60)]));
  expect(ttls(await ask(at))).toEqual([60]);
  await at.clock.advance(40_000);
  expect(ttls(await ask(at, "EXAMPLE.com"))).toEqual([20]);
  expect(at.asked.length).toBe(1);
  await at.clock.advance(20_000);
  await ask(at);
  expect(at.asked.length).toBe(2);
});

test("that a name does not exist is remembered as long as its authority says", async () => {
  const at = world();
  const data = { mname: "ns", rname: "me", serial: 1, refresh: 1, retry: 1, expire: 1, minimum: 10 };
  at.says.set("1.1.1.1", reply([], RCODE.noSuchName, [{ type: "SOA", name: "com", ttl: 900, data }]));
  expect((await ask(at)).code).toBe(RCODE.noSuchName);
  await at.clock.advance(9_000);
  await ask(at);
  expect(at.asked.length).toBe(1);
  await at.clock.advance(1_000);
  await ask(at);
  expect(at.asked.length).toBe(2);
});

test("a server that is silent, fails, refuses or talks nonsense is passed over for the next", async () => {
  for (const bad of [
    undefined,
    reply([], RCODE.serverFailure),
    reply([], RCODE.refused),
    () => Buffer.from("nonsense"),
  ]) {
    const at = world();
    if (bad !== undefined) at.says.set("1.1.1.1", bad);
    at.says.set("2.2.2.2", reply([address(60)]));
    expect((await ask(at)).answers.length).toBe(1);
    expect(at.asked.map((line) => line.split(" ")[0])).toEqual(["1.1.1.1", "2.2.2.2"]);
  }
});

test("a server that was silent is asked after the others for a while, and first again once it has answered", async () => {
  const at = world();
  at.says.set("2.2.2.2", reply([address(0)]));
  const askedNow = async (): Promise<readonly (string | undefined)[]> => {
    at.asked.length = 0;
    await ask(at);
    return at.asked.map((line) => line.split(" ")[0]);
  };
  expect(await askedNow()).toEqual(["1.1.1.1", "2.2.2.2"]);
  expect(await askedNow()).toEqual(["2.2.2.2"]);
  await at.clock.advance(limit("dnsUpstreamRestMs"));
  expect(await askedNow()).toEqual(["1.1.1.1", "2.2.2.2"]);
  at.says.delete("2.2.2.2");
  at.says.set("1.1.1.1", reply([address(0)]));
  expect(await askedNow()).toEqual(["2.2.2.2", "1.1.1.1"]);
  expect(await askedNow()).toEqual(["1.1.1.1"]);
});

test("equal questions at the same time are asked once", async () => {
  const at = world();
  at.says.set("1.1.1.1", reply([address(0)]));
  const replies = await Promise.all([ask(at), ask(at), ask(at)]);
  expect(replies.map((each) => each.answers.length)).toEqual([1, 1, 1]);
  expect(at.asked.length).toBe(1);
});

test("without a server that answers, the answer is failure", async () => {
  expect((await ask(world())).code).toBe(RCODE.serverFailure);
});

test("a server that leads back here is found by its probe, left out, and tried again when the configuration changes", async () => {
  const at = world();
  at.says.set("1.1.1.1", reply([address(0)]));
  at.says.set("2.2.2.2", reply([address(0)]));
  await ask(at);
  const [server, name = ""] = at.probed[0]?.split(" ") ?? [];
  expect(server).toBe("1.1.1.1");
  expect((await ask(at, name.toUpperCase())).code).toBe(RCODE.refused);
  at.asked.length = 0;
  await ask(at);
  expect(at.asked).toEqual(["2.2.2.2 example.com"]);
  at.servers = ["1.1.1.1"];
  await ask(at);
  expect(at.asked.at(-1)).toBe("1.1.1.1 example.com");
});

// What an outsider could send in the hope to be taken for the server.
const query = encode({ type: "query", id: 7, flags: 0, questions: [{ name: "example.com", type: "A", class: "IN" }] });
const forged = [
  { why: "another id", bytes: reply([])(8, "example.com"), want: false },
  { why: "another question", bytes: reply([])(7, "example.org"), want: false },
  { why: "the query itself", bytes: query, want: false },
  { why: "fewer bytes than the question", bytes: reply([])(7, "example.com").subarray(0, 20), want: false },
  { why: "the question in other letters", bytes: reply([])(7, "EXAMPLE.com"), want: true },
];
for (const { why, bytes, want } of forged) {
  test(`a datagram with ${why} is ${want ? "an answer" : "no answer"}`, () => {
    expect(isAnswerTo(query, bytes)).toBe(want);
  });
}
