import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeProbe, encodeProbe, LANES, nodeIdOf, PROBE_BYTES, type ProbePacket } from "./probe-packet.js";

const uint32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const packets: fc.Arbitrary<ProbePacket> = fc.record({
  is: fc.constantFrom("request" as const, "answer" as const),
  lane: fc.constantFrom(...LANES, "sized" as const),
  wasCorrupt: fc.boolean(),
  sequence: uint32,
  from: fc.constantFrom(nodeIdOf("a"), nodeIdOf("b")),
  to: fc.constantFrom(nodeIdOf("c"), nodeIdOf("d")),
  sentAtMs: fc.double({ noNaN: true }),
  heardAtMs: fc.double({ noNaN: true }),
  counts: fc.tuple(uint32, uint32, uint32, uint32),
  epoch: uint32,
  checksumErrors: uint32,
});

test("what is sent is what arrives, whatever the padding", () => {
  fc.assert(
    fc.property(packets, fc.integer({ min: 0, max: 9_000 }), (packet, bytes) => {
      const sent = encodeProbe(packet, bytes);
      expect(sent.length).toBe(Math.max(bytes, PROBE_BYTES));
      expect(decodeProbe(sent)).toEqual({ isIntact: true, packet });
    }),
  );
});

test("one changed byte anywhere is seen, or it is no probe any more", () => {
  fc.assert(
    fc.property(
      packets,
      fc.integer({ min: PROBE_BYTES, max: 1_500 }),
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      (packet, bytes, at, change) => {
        const sent = encodeProbe(packet, bytes);
        const index = at % sent.length;
        sent.writeUInt8(sent.readUInt8(index) ^ change, index);
        expect(decodeProbe(sent)?.isIntact ?? false).toBe(false);
      },
    ),
  );
});

test("strangers' packets are no probes", () => {
  for (const bytes of [Buffer.alloc(0), Buffer.alloc(PROBE_BYTES), Buffer.from("GET / HTTP/1.1\r\n\r\n".repeat(9))])
    expect(decodeProbe(bytes)).toBeUndefined();
});
