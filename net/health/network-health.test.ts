import { afterEach, expect, test } from "vitest";
import { limit } from "../../lib/limits.js";
import { seededRng } from "../../lib/rng.js";
import { ManualClock } from "../../test/kit/manual-clock.js";
import type { NetworkWayHealth } from "./health-report.js";
import { NetworkHealth } from "./network-health.js";
import type { NetworkWay } from "./network-ways.js";
import type { NetworkReceiver, NetworkWire } from "./network-wire.js";

/** Two nodes, a and b, with pods of so many networks, whose packets meet what the test says. */
function twoNodes(networkCount: number, families: 1 | 2 = 1) {
  const clock = new ManualClock();
  const weather = {
    isLost: (_from: string, _to: string): boolean => false,
    route: (_from: string): string => "tsnone",
    isReached: true,
  };
  const receivers = new Map<string, NetworkReceiver>();
  const sent: string[] = [];
  const wireOf = (): NetworkWire => ({
    listen: (addresses, _port, receive) => {
      for (const address of addresses) receivers.set(address, receive);
    },
    send: (from, to, bytes) => {
      sent.push(`${from} ${to.address}`);
      if (weather.isLost(from, to.address)) return;
      const held = Buffer.from(bytes);
      clock.after(1, () => receivers.get(to.address)?.(to.address, held, { address: from, port: 7447 }));
    },
    close: () => undefined,
  });
  const made = (nodeName: string, seed: number) => {
    const node = { ways: [] as readonly NetworkWayHealth[], health: undefined as unknown as NetworkHealth };
    node.health = new NetworkHealth({
      ...{ clock, rng: seededRng(seed), nodeName, port: 7447, wire: wireOf() },
      evidence: { route: async (_to, from) => ({ device: weather.route(from), via: "" }) },
      listener: {
        waysLooked: (ways) => {
          node.ways = ways;
        },
      },
      isReached: () => weather.isReached,
    });
    return node;
  };
  const [a, b] = [made("a", 1), made("b", 2)];
  const wayOf = (at: number, peer: string): NetworkWay => {
    const [ours, theirs] = [`10.64.${at}.1`, `10.64.${at}.65`];
    const ends = peer === "b" ? { ours, theirs } : { ours: theirs, theirs: ours };
    const network = `shop/n${String(at).padStart(3, "0")}`;
    return { network, peer, family: "IPv4", ...ends, port: 7447, device: "tsnone" };
  };
  const sixth = (way: NetworkWay): NetworkWay => {
    const [ours, theirs] = [way.ours, way.theirs].map((ip) => `fd00::${ip.split(".").slice(2).join(":")}`);
    return { ...way, family: "IPv6", ours: ours ?? "", theirs: theirs ?? "" };
  };
  const ways = (peer: string) =>
    Array.from({ length: networkCount }, (_, at) => wayOf(at, peer)).flatMap((way) =>
      families === 2 ? [way, sixth(way)] : [way],
    );
  a.health.setWays(ways("b"));
  b.health.setWays(ways("a"));
  const faultsOf = ({ ways: all }: typeof a): readonly string[] =>
    all.flatMap(({ network, family, fault }) =>
      fault === undefined ? [] : [`${network} ${family === "IPv6" ? "by IPv6 " : ""}${fault.kind}`],
    );
  const until = async (claim: () => boolean, deadlineMs: number): Promise<boolean> => {
    for (let passedMs = 0; passedMs < deadlineMs && !claim(); passedMs += 500) await clock.advance(500);
    return claim();
  };
  ended.push(() => [a, b].map(({ health }) => health.stop()));
  return { clock, weather, sent, a, b, faultsOf, until };
}

const ended: (() => void)[] = [];
afterEach(() => {
  for (const end of ended.splice(0)) end();
});

test("a network that nothing passes is named within a minute by both ends, that network alone, and no more once it passes", async () => {
  const { clock, weather, a, b, faultsOf, until } = twoNodes(3);
  await clock.advance(15_000);
  expect(a.ways.map(({ network, measure }) => [network, measure.lossRatio])).toEqual([
    ["shop/n000", 0],
    ["shop/n001", 0],
    ["shop/n002", 0],
  ]);
  expect(a.ways.every(({ measure }) => measure.roundTripMs === 2)).toBe(true);
  weather.isLost = (from) => from.startsWith("10.64.1.");
  const isNamed = (): boolean => [a, b].every((node) => faultsOf(node).join() === "shop/n001 NetworkBlocked");
  expect(await until(isNamed, 60_000)).toBe(true);
  expect(a.ways[1]?.fault?.message).toContain("network shop/n001 to b by tsnone are not answered");
  weather.isLost = () => false;
  expect(await until(() => [a, b].every((node) => faultsOf(node).length === 0), 60_000)).toBe(true);
});

test("what passes by one family and not by the other is named for the one that does not", async () => {
  const { clock, weather, a, b, faultsOf, until } = twoNodes(2, 2);
  await clock.advance(15_000);
  expect(a.ways.map(({ network, family, measure }) => `${network} ${family} ${measure.lossRatio}`)).toEqual([
    "shop/n000 IPv4 0",
    "shop/n000 IPv6 0",
    "shop/n001 IPv4 0",
    "shop/n001 IPv6 0",
  ]);
  weather.isLost = (from) => from.startsWith("fd00::1:");
  const isNamed = (): boolean => [a, b].every((node) => faultsOf(node).join() === "shop/n001 by IPv6 NetworkBlocked");
  expect(await until(isNamed, 60_000)).toBe(true);
  expect(a.ways[3]?.fault?.message).toContain("packets of IPv6 of network shop/n001 to b by tsnone are not answered");
  weather.isLost = () => false;
  expect(await until(() => [a, b].every((node) => faultsOf(node).length === 0), 60_000)).toBe(true);
});

test("packets that another route takes are told apart from those that are dropped", async () => {
  const { weather, a, faultsOf, until } = twoNodes(1);
  weather.isLost = () => true;
  weather.route = () => "eth0";
  expect(await until(() => faultsOf(a).length > 0, 60_000)).toBe(true);
  expect(a.ways[0]?.fault).toMatchObject({ kind: "WrongRoute", message: expect.stringContaining("leave by eth0") });
});

test("a network to a peer that is away as a whole is no fault of the network's", async () => {
  const { clock, weather, a, b, faultsOf } = twoNodes(2);
  weather.isLost = () => true;
  weather.isReached = false;
  await clock.advance(60_000);
  expect([...faultsOf(a), ...faultsOf(b)]).toEqual([]);
});

test("while nothing is at fault each way costs a packet and its answer in a round, and of very many each is asked within a minute", async () => {
  const few = twoNodes(2);
  await few.clock.advance(limit("probeEveryMs") - 100);
  expect(few.sent.length).toBe(2 * 2 * 2);
  const many = twoNodes(400);
  many.weather.isLost = (from) => from.startsWith("10.64.99.");
  await many.clock.advance(limit("probeEveryMs") - 100);
  expect(many.sent.length).toBeLessThanOrEqual(2 * 2 * 125);
  expect(await many.until(() => many.faultsOf(many.a).join() === "shop/n099 NetworkBlocked", 60_000)).toBe(true);
});

test("a network that is gone is told of no more, nor asked", async () => {
  const { clock, weather, a, sent, until, faultsOf } = twoNodes(1);
  weather.isLost = () => true;
  expect(await until(() => faultsOf(a).length > 0, 60_000)).toBe(true);
  a.health.setWays([]);
  expect(a.ways).toEqual([]);
  const asked = (): number => sent.filter((each) => each.startsWith("10.64.0.1 ")).length;
  const before = asked();
  await clock.advance(30_000);
  expect(asked()).toBe(before);
});
