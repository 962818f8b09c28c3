import fc from "fast-check";
import { expect, test } from "vitest";
import { limit } from "../../lib/limits.js";
import { HeartbeatPace, heartbeatMsFor, rarityOf } from "./heartbeat-pace.js";

// Both sides of the first step, the size that is benched, and what no cluster has.
const rows = [
  { nodes: 0, want: 500 },
  { nodes: 1_000, want: 500 },
  { nodes: 1_001, want: 750 },
  { nodes: 5_000, want: 2_500 },
  { nodes: 20_000, want: 10_000 },
  { nodes: 1_000_000, want: 10_000 },
];
for (const { nodes, want } of rows)
  test(`${nodes} nodes beat every ${want} ms`, () => expect(heartbeatMsFor(nodes)).toBe(want));

test("up to the longest interval all nodes together send no more than the leader takes, and no fewer than three quarters of it once they are many", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1_000, max: 20_000 }), (nodes) => {
      const perSecond = (1_000 * nodes) / heartbeatMsFor(nodes);
      expect(perSecond).toBeLessThanOrEqual(limit("heartbeatsPerSecond"));
      expect(perSecond).toBeGreaterThan(0.66 * limit("heartbeatsPerSecond"));
    }),
    { seed: 26 },
  );
});

test("the interval grows at once, shrinks late, and a node that comes and goes at a step changes nothing", () => {
  const pace = new HeartbeatPace();
  const changes: number[] = [];
  const note = (at: number, isThere: boolean): void => {
    if (pace.note(`node-${at}`, isThere)) changes.push(pace.intervalMs);
  };
  for (let at = 0; at < 1_001; at += 1) note(at, true);
  expect(changes).toEqual([750]);
  for (let times = 0; times < 5; times += 1) {
    note(1_000, false);
    note(1_000, true);
  }
  expect(changes).toEqual([750]);
  for (let at = 1_000; at > 700; at -= 1) note(at, false);
  expect(changes).toEqual([750, 500]);
});

test("a node that claims to beat once a day, or a thousand times a second, is waited for as others are", () => {
  expect(rarityOf(86_400_000)).toBe(limit("heartbeatMaxMs") / limit("heartbeatMs"));
  expect(rarityOf(1)).toBe(1);
  expect(rarityOf(0)).toBe(1);
});
