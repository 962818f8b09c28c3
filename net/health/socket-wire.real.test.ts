import { connect } from "node:net";
import { afterEach, expect, test } from "vitest";
import { systemClock } from "../../lib/system-clock.js";
import { waitFor } from "../../test/kit/wait.js";
import type { ProbeReceiver, ProbeWire } from "./probe-wire.js";
import { socketWire } from "./socket-wire.js";

const PORT = 17_447;
const wires: ProbeWire[] = [];
afterEach(() => {
  for (const wire of wires.splice(0)) wire.close();
});

/** Ends of a host on the loopback device: 127.0.N.1 and 127.0.N.2. */
async function open(at: number, receiver: Partial<ProbeReceiver>): Promise<ProbeWire> {
  const wire = socketWire(systemClock);
  wires.push(wire);
  const all = { packet: () => undefined, mayConnect: () => true, request: () => undefined, ...receiver };
  await wire.open({ underlay: `127.0.${at}.1`, overlay: `127.0.${at}.2` }, PORT, all);
  return wire;
}

const to = (address: string) => ({ address, port: PORT });

test("a packet arrives on the way that it was sent on, from the sender's own port", async () => {
  const seen: string[] = [];
  await open(7, { packet: (path, bytes, from) => void seen.push(`${path} ${bytes} ${from.address} ${from.port}`) });
  const wire = await open(8, {});
  wire.send("underlay", to("127.0.7.1"), Buffer.from("one"));
  wire.send("overlay", to("127.0.7.2"), Buffer.from("two"));
  await waitFor("both to arrive", () => seen.length === 2);
  expect(seen.sort()).toEqual([`overlay two 127.0.8.2 ${PORT}`, `underlay one 127.0.8.1 ${PORT}`]);
});

test("packets of IPv6 arrive on a way of their own, where there is an address of it", async () => {
  const seen: string[] = [];
  const receiver: ProbeReceiver = {
    packet: (way, bytes, from) => void seen.push(`${way} ${bytes} ${from.address} ${from.port}`),
    mayConnect: () => true,
    request: () => undefined,
  };
  const wire = socketWire(systemClock);
  wires.push(wire);
  await wire.open({ underlay: "127.0.6.1", overlay: "127.0.6.2", ipv6: "::1" }, PORT, receiver);
  wire.send("ipv6", to("::1"), Buffer.from("six"));
  await waitFor("it to arrive", () => seen.length === 1);
  expect(seen).toEqual([`ipv6 six ::1 ${PORT}`]);
});

test("a connection passes when its bytes are answered, stalls when not, and is refused where nobody listens", async () => {
  await open(7, { request: (_path, bytes) => (bytes.length === 4_096 ? Buffer.from("whole") : undefined) });
  const wire = await open(8, {});
  const passed = await wire.connect("overlay", to("127.0.7.2"), Buffer.alloc(4_096));
  expect([passed.outcome, `${passed.answer}`]).toEqual(["passed", "whole"]);
  expect((await wire.connect("overlay", to("127.0.7.2"), Buffer.alloc(10))).outcome).toBe("stalled");
  expect((await wire.connect("underlay", to("127.0.9.1"), Buffer.alloc(10))).outcome).toBe("refused");
});

test("a knock passes where somebody listens, and is refused where nobody does", async () => {
  await open(7, {});
  const wire = await open(8, {});
  expect(await wire.knock("overlay", to("127.0.7.2"))).toBe("passed");
  expect(await wire.knock("underlay", to("127.0.9.1"))).toBe("refused");
});

test("strangers' connections are closed before they say anything, and what is longer than a probe ends", async () => {
  const asked: number[] = [];
  await open(7, {
    mayConnect: (_path, address) => address !== "127.0.0.1",
    request: (_path, bytes) => {
      asked.push(bytes.length);
      return undefined;
    },
  });
  const ends = async (localAddress: string, bytes: Buffer): Promise<void> => {
    const stream = connect({ host: "127.0.7.1", port: PORT, localAddress });
    stream.on("error", () => undefined);
    stream.write(bytes);
    await new Promise((resolve) => stream.on("close", resolve));
  };
  const length = Buffer.alloc(4);
  length.writeUInt32BE(10);
  await ends("127.0.0.1", Buffer.concat([length, Buffer.alloc(10)]));
  await ends("127.0.8.1", Buffer.concat([Buffer.from([255, 255, 255, 255]), Buffer.alloc(100)]));
  expect(asked).toEqual([]);
});
