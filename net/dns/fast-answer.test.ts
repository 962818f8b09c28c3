import { decode, encode, type Packet, RECURSION_DESIRED, TRUNCATED_RESPONSE } from "dns-packet";
import fc from "fast-check";
import { expect, test } from "vitest";
import { seededRng } from "../../lib/rng.js";
import { FastAnswers } from "./fast-answer.js";
import { readMessage, writeReply } from "./message.js";
import { Responder } from "./responder.js";
import { Zone } from "./zone.js";

const zone = new Zone("cluster.local");
const a = (count: number): { a: string[] } => ({ a: Array.from({ length: count }, (_, at) => `10.128.0.${at + 1}`) });
zone.set("default/web", {
  names: {
    "web.default.svc.cluster.local": a(1),
    "few.default.svc.cluster.local": a(5),
    "many.default.svc.cluster.local": a(40),
    "none.default.svc.cluster.local": {},
    "alias.default.svc.cluster.local": { cname: "web.default.svc.cluster.local" },
  },
  reverse: {},
});
const fast = new FastAnswers(zone, seededRng(1));
const responder = new Responder(zone, {
  forwarder: { resolve: () => Promise.reject(new Error("nothing of this test is elsewhere")) },
  ranges: [],
  rng: seededRng(1),
});

function queryBytes(name: string, options: { type?: "A" | "AAAA"; ednsBytes?: number; flags?: number } = {}): Buffer {
  const { type = "A", ednsBytes = 0, flags = RECURSION_DESIRED } = options;
  const opt = {
    type: "OPT" as const,
    name: ".",
    udpPayloadSize: ednsBytes,
    extendedRcode: 0,
    ednsVersion: 0,
    flags: 0,
  };
  return encode({
    type: "query",
    id: 4_711,
    flags,
    questions: [{ name, type, class: "IN" }],
    additionals: ednsBytes === 0 ? [] : [{ ...opt, flag_do: false, options: [] }],
  });
}

function asResponse(query: Buffer): Buffer {
  query[2] = (query[2] ?? 0) | 0x80;
  return query;
}

/** The long way's reply. */
function slowReply(query: Buffer): Buffer {
  const incoming = readMessage(query);
  if (incoming.is !== "query") throw new Error(`the long way says ${incoming.is}`);
  const reply = responder.reply(incoming.query.question);
  if (reply instanceof Promise) throw new Error("the long way asks others");
  return writeReply(incoming.query, reply, incoming.query.maxBytes);
}

/** A reply with its records in order, since both ways turn them. */
function sorted(reply: Buffer): Packet {
  const packet = decode(reply);
  const text = (value: unknown): string => JSON.stringify(value);
  return { ...packet, answers: [...(packet.answers ?? [])].sort((one, other) => (text(one) < text(other) ? -1 : 1)) };
}

test("a plain question is answered, with its id, its case, and its wish for recursion", () => {
  const reply = fast.answer(queryBytes("Web.Default.svc.cluster.local"));
  expect(decode(reply as Buffer)).toMatchObject({
    id: 4_711,
    questions: [{ name: "Web.Default.svc.cluster.local", type: "A" }],
    answers: [{ name: "Web.Default.svc.cluster.local", type: "A", ttl: 5, data: "10.128.0.1" }],
    flag_aa: true,
    flag_rd: true,
    flag_ra: true,
  });
});

test("records are turned, so that all of them come first at times", () => {
  const firsts = new Set<unknown>();
  for (let round = 0; round < 100; round += 1)
    firsts.add(JSON.stringify(decode(fast.answer(queryBytes("few.default.svc.cluster.local")) as Buffer).answers?.[0]));
  expect(firsts.size).toBe(5);
});

// Each takes the long way for one reason.
const unusual: readonly { readonly why: string; readonly query: Buffer }[] = [
  { why: "another type", query: queryBytes("web.default.svc.cluster.local", { type: "AAAA" }) },
  { why: "a name that has no address", query: queryBytes("none.default.svc.cluster.local") },
  { why: "an alias", query: queryBytes("alias.default.svc.cluster.local") },
  { why: "a name that does not exist", query: queryBytes("nobody.default.svc.cluster.local") },
  { why: "a name of the outside", query: queryBytes("example.com") },
  { why: "an answer too large for plain UDP", query: queryBytes("many.default.svc.cluster.local") },
  { why: "a response", query: asResponse(queryBytes("web.default.svc.cluster.local")) },
  { why: "another operation", query: queryBytes("web.default.svc.cluster.local", { flags: 5 << 11 }) },
  {
    why: "bytes after the question",
    query: Buffer.concat([queryBytes("web.default.svc.cluster.local"), Buffer.of(0)]),
  },
];
for (const { why, query } of unusual) {
  test(`left to the long way: ${why}`, () => {
    expect(fast.answer(query)).toBeUndefined();
  });
}

test("an answer that EDNS makes room for is whole", () => {
  const reply = fast.answer(queryBytes("many.default.svc.cluster.local", { ednsBytes: 1_232 }));
  expect(decode(reply as Buffer).answers?.length).toBe(40);
});

test("where the short way answers, the long way says the same, unless it finds no room: it does not compress names", () => {
  const name = fc.constantFrom("web", "WEB", "few", "many", "none", "alias", "nobody");
  const edns = fc.constantFrom(0, 512, 600, 1_232, 4_096);
  fc.assert(
    fc.property(name, edns, fc.constantFrom(0, RECURSION_DESIRED), (first, ednsBytes, flags) => {
      const query = queryBytes(`${first}.default.svc.cluster.local`, { ednsBytes, flags });
      const reply = fast.answer(query);
      if (reply === undefined) return;
      const slow = sorted(slowReply(query));
      if (((slow.flags ?? 0) & TRUNCATED_RESPONSE) === 0) expect(sorted(reply)).toEqual(slow);
    }),
  );
});

test("no bytes make it throw", () => {
  const whole = queryBytes("web.default.svc.cluster.local", { ednsBytes: 1_232 });
  const mangled = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 6 }).map((changes) => {
    const bytes = Buffer.from(whole);
    for (const [at, value] of changes) bytes[at] = value;
    return bytes;
  });
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 80 }).map((array) => Buffer.from(array)),
    mangled,
    fc.nat(whole.length).map((length) => whole.subarray(0, length)),
  );
  fc.assert(
    fc.property(bytes, (query) => {
      fast.answer(query);
    }),
    { numRuns: 2_000 },
  );
});
