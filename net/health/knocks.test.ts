import { expect, test } from "vitest";
import { limit } from "../../lib/limits.js";
import { ManualClock, settle } from "../../test/kit/manual-clock.js";
import { Knocks } from "./knocks.js";
import { newRecord, type PeerRecord } from "./peer-record.js";

const recordAt = (at: number): PeerRecord =>
  newRecord(
    {
      name: `node-${at}`,
      addresses: { underlay: `192.0.2.${at}`, overlay: `10.128.${at}.1` },
      ...{ port: 7447, isReady: true },
    },
    1,
  );

function world() {
  const clock = new ManualClock();
  const asked: { readonly address: string; readonly atMs: number }[] = [];
  const outcomes: string[] = [];
  const knock = async (_path: string, { address }: { readonly address: string }) => {
    asked.push({ address, atMs: clock.monotonicMs() });
    return address.endsWith(".7") ? "silent" : "passed";
  };
  const knocks = new Knocks({ clock, wire: { knock } }, ({ peer }, path, outcome) => {
    if (outcome !== "passed") outcomes.push(`${peer.name} ${path} ${outcome}`);
  });
  return { clock, asked, outcomes, knocks };
}

test("within a round each is knocked at once on both paths, one after the other, and what does not come about is told", async () => {
  const { clock, asked, outcomes, knocks } = world();
  const beganMs = clock.monotonicMs();
  knocks.begin(Array.from({ length: 125 }, (_, at) => recordAt(at)));
  await clock.advance(limit("probeEveryMs"));
  await settle();
  expect(asked.length).toBe(250);
  expect(new Set(asked.map(({ address }) => address)).size).toBe(250);
  for (let second = 0; second < 10; second += 1) {
    const fromMs = beganMs + second * 1_000;
    const inIt = asked.filter(({ atMs }) => atMs >= fromMs && atMs < fromMs + 1_000);
    expect(inIt.length).toBeLessThanOrEqual(2 * 17);
  }
  expect(outcomes).toEqual(["node-7 underlay silent"]);
});

test("a round that begins ends the one before, and one without anybody does not", async () => {
  const { clock, asked, knocks } = world();
  knocks.begin([recordAt(1), recordAt(2)]);
  knocks.begin([]);
  await clock.advance(5_000);
  expect(asked.map(({ address }) => address)).toContain("192.0.2.2");
  knocks.begin([recordAt(3), recordAt(4)]);
  knocks.begin([recordAt(5)]);
  knocks.stop();
  await clock.advance(10_000);
  expect(asked.map(({ address }) => address)).not.toContain("192.0.2.4");
});
