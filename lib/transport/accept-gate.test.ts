import { expect, test } from "vitest";
import { ManualClock } from "../../test/kit/manual-clock.js";
import { limit } from "../limits.js";
import { AcceptGate } from "./accept-gate.js";

class Peer {
  isCut = false;
  isBegun = false;

  destroy(): void {
    this.isCut = true;
  }
}

function world() {
  const clock = new ManualClock();
  let due: (() => void)[] = [];
  const cut: number[] = [];
  const gate = new AcceptGate<Peer>({
    clock,
    begin: (peer) => {
      peer.isBegun = true;
    },
    nextTurn: (call) => due.push(call),
    onCut: (count) => cut.push(count),
  });
  const arrive = (count: number): readonly Peer[] =>
    Array.from({ length: count }, () => {
      const peer = new Peer();
      gate.arrive(peer);
      return peer;
    });
  /** One turn of the loop; false when the gate asked for none. */
  const turn = (): boolean => {
    const calls = due;
    due = [];
    for (const call of calls) call();
    return calls.length > 0;
  };
  return { clock, gate, cut, arrive, turn };
}

const begun = (peers: readonly Peer[]): number => peers.filter(({ isBegun }) => isBegun).length;

test("of a thousand that come at once a few begin in each turn, the last first, until all have, and then the gate rests", () => {
  const { arrive, turn, cut } = world();
  const peers = arrive(1_000);
  expect(begun(peers)).toBe(0);
  for (let turns = 1; turns * limit("handshakesPerTurn") < 1_000; turns += 1) {
    turn();
    expect(begun(peers)).toBe(turns * limit("handshakesPerTurn"));
    expect(begun(peers.slice(-begun(peers)))).toBe(begun(peers));
  }
  turn();
  expect(begun(peers)).toBe(1_000);
  expect(turn()).toBe(false);
  expect(cut).toEqual([]);
});

test("what has waited too long is cut unheard, so that those that begin still have a peer that waits", async () => {
  const { clock, arrive, turn, cut } = world();
  const early = arrive(100);
  turn();
  await clock.advance(limit("acceptWaitMs"));
  const late = arrive(4);
  await clock.advance(1);
  turn();
  expect(begun(early)).toBe(limit("handshakesPerTurn"));
  expect(early.filter(({ isCut }) => isCut)).toHaveLength(100 - limit("handshakesPerTurn"));
  expect(begun(late)).toBe(4);
  expect(cut).toEqual([100 - limit("handshakesPerTurn")]);
});

test("when twice as many come as can begin, those that begin have just come: their peers wait long enough for the rest", async () => {
  const { clock, arrive, turn } = world();
  const perTurn = limit("handshakesPerTurn");
  for (let turns = 0; turns < 50; turns += 1) {
    const fresh = arrive(2 * perTurn);
    turn();
    expect(begun(fresh)).toBe(perTurn);
    await clock.advance(100);
  }
});

test("of more than the queue holds the first are cut at once, and one that came after them is not", () => {
  const { arrive, turn } = world();
  const peers = arrive(limit("acceptQueue") + 3);
  expect(peers.filter(({ isCut }) => isCut)).toHaveLength(3);
  while (turn());
  expect(begun(peers)).toBe(limit("acceptQueue"));
});

test("after its end nothing begins", () => {
  const { gate, arrive, turn } = world();
  const before = arrive(20);
  gate.close();
  const after = arrive(1);
  while (turn());
  expect(begun([...before, ...after])).toBe(0);
  expect([...before, ...after].every(({ isCut }) => isCut)).toBe(true);
});
