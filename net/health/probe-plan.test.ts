import fc from "fast-check";
import { expect, test } from "vitest";
import { limit } from "../../lib/limits.js";
import { partOfRound, peersOfRound, sizesBelow } from "./probe-plan.js";

const namesOf = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, at) => `node-${String(at).padStart(4, "0")}`);

test("of few peers all are probed in each round", () => {
  const peers = namesOf(32);
  const round = peersOfRound({
    peers,
    self: "node-0099",
    turn: 7,
    most: 32,
    neighbours: 4,
    sweepRounds: 4,
    mostBrief: 256,
  });
  expect(round).toEqual({ whole: peers, brief: [] });
});

test("of many no round has more than it may, each peer has its turn, and every node is always looked at by some", () => {
  fc.assert(
    fc.property(fc.integer({ min: 33, max: 500 }), fc.integer({ min: 0, max: 499 }), (count, at) => {
      const all = namesOf(count);
      const self = all[at % count] ?? "";
      const peers = all.filter((name) => name !== self);
      const roundsForAll = Math.ceil((peers.length - 4) / 28);
      const seen = new Set<string>();
      for (let turn = 5; turn < 5 + roundsForAll; turn += 1) {
        const { whole: round } = peersOfRound({
          peers,
          self,
          turn,
          most: 32,
          neighbours: 4,
          sweepRounds: 4,
          mostBrief: 256,
        });
        expect(round.length).toBeLessThanOrEqual(32);
        expect(new Set(round).size).toBe(round.length);
        expect(round).not.toContain(self);
        // The four that follow, in the ring of names.
        const next = [...peers.filter((name) => name > self), ...peers].slice(0, 4);
        expect(round).toEqual(expect.arrayContaining(next));
        for (const name of round) seen.add(name);
      }
      expect(seen.size).toBe(peers.length);
    }),
    { numRuns: 60 },
  );
});

test("of ten thousand a round asks no more than of a thousand, and each peer within as many rounds as that takes", () => {
  const peers = namesOf(9_999);
  const mostBrief = limit("probeBriefPeers");
  const ground = { peers, self: "node-5000x", most: 32, neighbours: 4, sweepRounds: 4, mostBrief };
  const asked = new Set<string>();
  for (let turn = 0; turn < Math.ceil(9_995 / mostBrief); turn += 1) {
    const { whole, brief } = peersOfRound({ ...ground, turn });
    expect(brief.length).toBeLessThanOrEqual(mostBrief);
    for (const name of [...whole, ...brief]) asked.add(name);
  }
  expect(asked.size).toBe(peers.length);
});

test("of up to 600 peers each is asked within any four rounds, so that a fault has a name within a minute, and a round stays small", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 600 }), fc.nat(599), fc.nat(10_000), (count, at, begin) => {
      const all = namesOf(count);
      const self = all[at % count] ?? "";
      const peers = all.filter((name) => name !== self);
      const asked = new Set<string>();
      const sweepRounds = limit("probeSweepRounds");
      for (let turn = begin; turn < begin + sweepRounds; turn += 1) {
        const ground = { peers, self, turn, most: limit("probePeers"), neighbours: limit("probeNeighbours") };
        const { whole, brief } = peersOfRound({ ...ground, sweepRounds, mostBrief: limit("probeBriefPeers") });
        expect(whole.length).toBeLessThanOrEqual(limit("probePeers"));
        expect(brief.length).toBeLessThanOrEqual(Math.ceil(count / sweepRounds));
        expect(brief.filter((name) => whole.includes(name))).toEqual([]);
        for (const name of [...whole, ...brief]) asked.add(name);
      }
      expect(asked.size).toBe(peers.length);
    }),
    { numRuns: 100 },
  );
  // What begins right after a peer was asked waits for a sweep and the timeout; then it is asked each second until five answers are missing and two looks agree.
  const sweepMs = limit("probeSweepRounds") * limit("probeEveryMs");
  const lookMs = limit("probeCloserMs") + 50;
  const namedMs =
    limit("probeTimeoutMs") + Math.max(limit("probeDeadMs"), limit("probeDeadCount") * lookMs) + 3 * lookMs;
  expect(sweepMs + namedMs).toBeLessThan(60_000);
  // A host from which nothing comes is given the time of its own round, and what a ping is to tell of, that of the ping.
  const patientMs = Math.max(1.2 * limit("probeEveryMs"), 2 * limit("probeDeadMs"));
  expect(sweepMs + limit("probeTimeoutMs") + patientMs + 3 * lookMs).toBeLessThan(60_000);
  // Of TCP alone: a knock that is not answered within three seconds, the next turn, a connection that is not, and two looks that agree.
  const connectMs = 3_000;
  expect(sweepMs + connectMs + lookMs + connectMs + 3 * lookMs).toBeLessThan(60_000);
});

test("sizes that are tried are smaller than a full packet and fall to what every host must take", () => {
  expect(sizesBelow(1_500)[0]).toBe(1_492);
  expect(sizesBelow(1_450).at(-1)).toBe(576);
  expect(sizesBelow(9_000)[0]).toBe(8_950);
});

test("of a long list each is asked once in as many rounds as it has parts, all of a short one in each", () => {
  const bounds = { all: 32, most: 125, sweepRounds: 4 };
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2_000 }), fc.nat(10_000), (count, begin) => {
      const list = Array.from({ length: count }, (_, at) => at);
      const first = partOfRound(list, begin, bounds);
      expect(first.length).toBeLessThanOrEqual(bounds.most);
      const rounds = count <= bounds.all ? 1 : Math.max(4, Math.ceil(count / bounds.most));
      const asked = Array.from({ length: rounds }, (_, at) => partOfRound(list, begin + at, bounds)).flat();
      expect([...new Set(asked)].sort((one, other) => one - other)).toEqual(list);
    }),
  );
});
