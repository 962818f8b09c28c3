import { expect, test } from "vitest";
import { limit } from "../../lib/limits.js";
import { ManualClock } from "../../test/kit/manual-clock.js";
import { newRecord } from "./peer-record.js";
import { isAnswerable, isFromPeer, ProbeEcho } from "./probe-echo.js";
import { decodeProbe, encodeProbe, nodeIdOf, PROBE_BYTES, type ProbePacket } from "./probe-packet.js";

const request: ProbePacket = {
  is: "request",
  lane: "overlay-full",
  wasCorrupt: false,
  sequence: 7,
  from: nodeIdOf("b"),
  to: nodeIdOf("a"),
  sentAtMs: 1_000,
  heardAtMs: 0,
  counts: [0, 0, 0, 0],
  epoch: 0,
  checksumErrors: 0,
};

function bench() {
  const clock = new ManualClock();
  const echo = new ProbeEcho({ clock, id: nodeIdOf("a"), epoch: 9, checksumErrors: () => 3 });
  const addresses = { underlay: "192.0.2.2", overlay: "10.128.4.1" };
  const record = newRecord({ name: "b", addresses, port: 7_447, isReady: true }, 1);
  const ask = (packet: ProbePacket, bytes?: number): Buffer | undefined =>
    echo.answer(record, "overlay", encodeProbe(packet, bytes));
  return { clock, record, echo, ask };
}

test("an answer says who answers and what was heard, and is no longer than its request, however long that is", () => {
  const { ask } = bench();
  for (const bytes of [PROBE_BYTES, 1_422, 8_000]) expect(ask(request, bytes)?.length).toBe(PROBE_BYTES);
  const answer = decodeProbe(ask(request) ?? Buffer.alloc(0));
  expect(answer).toMatchObject({
    isIntact: true,
    packet: { is: "answer", sequence: 7, to: nodeIdOf("a"), counts: [0, 0, 0, 4], epoch: 9, checksumErrors: 3 },
  });
  expect(isAnswerable(Buffer.alloc(PROBE_BYTES - 1))).toBe(false);
});

test("answers are not answered, nor requests in another node's name, nor what is no probe", () => {
  const { ask, echo, record } = bench();
  expect(ask({ ...request, is: "answer" })).toBeUndefined();
  expect(ask({ ...request, from: nodeIdOf("c") })).toBeUndefined();
  expect(echo.answer(record, "overlay", Buffer.alloc(500, 1))).toBeUndefined();
});

test("a packet is the peer's only from its own address on that way, and its own port", () => {
  const { record } = bench();
  expect(isFromPeer(record, "underlay", { address: "192.0.2.2", port: 7_447 })).toBe(true);
  expect(isFromPeer(record, "underlay", { address: "192.0.2.2", port: 53 })).toBe(false);
  expect(isFromPeer(record, "overlay", { address: "192.0.2.2", port: 7_447 })).toBe(false);
});

test("a flood is answered so many times a second, and the peer again in the next", async () => {
  const { ask, clock } = bench();
  const answered = (): number => Array.from({ length: 1_000 }, () => ask(request)).filter(Boolean).length;
  expect(answered()).toBe(limit("probeAnswersPerSecond"));
  await clock.advance(1_000);
  expect(answered()).toBe(limit("probeAnswersPerSecond"));
});

test("a spoiled request is answered as spoiled", () => {
  const { echo, record } = bench();
  const bytes = encodeProbe(request, 200);
  bytes.writeUInt8(bytes.readUInt8(150) ^ 1, 150);
  expect(decodeProbe(echo.answer(record, "overlay", bytes) ?? Buffer.alloc(0))?.packet.wasCorrupt).toBe(true);
});
