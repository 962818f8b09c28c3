import { expect, test } from "vitest";
import { limit } from "../../../lib/limits.js";
import { ManualClock } from "../../../test/kit/manual-clock.js";
import { peerGatherMs, Wakes } from "./wakes.js";

/** Notes in which order it and others were woken. */
class Sleeper {
  readonly name: number;
  private readonly woken: number[];

  constructor(name: number, woken: number[]) {
    this.name = name;
    this.woken = woken;
  }

  signal(): void {
    this.woken.push(this.name);
  }
}

const crowd = (count: number, woken: number[]): ReadonlySet<Sleeper> =>
  new Set(Array.from({ length: count }, (_, at) => new Sleeper(at, woken)));

test("a few are woken at once", () => {
  const woken: number[] = [];
  const few = limit("watchersPerTurn");
  new Wakes(new ManualClock()).wake(crowd(few, woken));
  expect(woken).toHaveLength(few);
});

test("of a crowd a few are woken in each turn, each once, in order", async () => {
  const woken: number[] = [];
  const clock = new ManualClock();
  const wakes = new Wakes<Sleeper>(clock);
  const each = limit("watchersPerTurn");
  const all = crowd(2 * each + 1, woken);
  wakes.wake(all);
  expect(woken).toHaveLength(each);
  wakes.wake(new Set([...all].slice(each)));
  expect(woken).toHaveLength(each);
  await clock.advance(0);
  expect(woken).toEqual([...all].map(({ name }) => name));
  expect(clock.timerCount).toBe(0);
});

test("what concerns one is told at once while a crowd is being told", () => {
  const woken: number[] = [];
  const wakes = new Wakes<Sleeper>(new ManualClock());
  const all = crowd(3 * limit("watchersPerTurn"), woken);
  wakes.wake(all);
  const last = [...all].slice(-1);
  wakes.wake(new Set(last));
  expect(woken.at(-1)).toBe(last[0]?.name);
});

test("news that are gathered wake each once, at the end of the time that began with the first", async () => {
  const woken: number[] = [];
  const clock = new ManualClock();
  const wakes = new Wakes<Sleeper>(clock);
  const all = crowd(3, woken);
  wakes.gather(all, 100);
  await clock.advance(60);
  wakes.gather(all, 100);
  expect(woken).toEqual([]);
  await clock.advance(40);
  expect(woken).toEqual([0, 1, 2]);
  await clock.advance(1_000);
  expect(woken).toHaveLength(3);
});

test("who has left is not woken", async () => {
  const woken: number[] = [];
  const clock = new ManualClock();
  const wakes = new Wakes<Sleeper>(clock);
  const [gone, ...others] = crowd(limit("watchersPerTurn") + 2, woken);
  wakes.gather(new Set([...others, ...(gone ? [gone] : [])]), 10);
  if (gone) wakes.forget(gone);
  await clock.advance(10);
  expect(woken).toHaveLength(others.length);
});

// Each row is one side of a bound.
const rows = [
  { nodes: 3, want: 0 },
  { nodes: 99, want: 0 },
  { nodes: 100, want: 20 },
  { nodes: 1_000, want: 200 },
  { nodes: 5_000, want: 1_000 },
  { nodes: 20_000, want: 2_000 },
];
for (const { nodes, want } of rows)
  test(`news of peers are gathered for ${want} ms for ${nodes} nodes`, () => {
    expect(peerGatherMs(nodes)).toBe(want);
  });
