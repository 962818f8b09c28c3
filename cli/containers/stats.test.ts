import { expect, test } from "vitest";
import { StatsChunk } from "../../proto/gen/tallship/v1/streams.js";
import { binary, decimal, UsageRows } from "./stats.js";

const chunk = (node: string, readAtMs: number, cpuMicroseconds: number, throttledMicroseconds = 0) =>
  StatsChunk.fromPartial({
    node,
    readAtMs,
    memoryBytes: 1_000,
    runs: [{ namespace: "default", pod: `on-${node}`, container: "main", cpuMicroseconds, throttledMicroseconds }],
  });

test("use of CPU is between two readings of a node, and a round waits for every node", () => {
  const rows = new UsageRows();
  rows.take(chunk("b", 0, 0));
  expect(rows.round()).toBeUndefined();
  rows.take(chunk("a", 0, 0));
  rows.take(chunk("b", 1_000, 1_500_000, 250_000));
  expect(rows.round()).toBeUndefined();
  rows.take(chunk("a", 2_000, 200_000));
  expect(rows.round()).toMatchObject([
    { node: "a", cpuPercent: 10, memoryLimitBytes: 1_000 },
    { node: "b", cpuPercent: 150, throttledPercent: 25 },
  ]);
  expect(rows.round()).toBeUndefined();
});

test("a container that was started again counts from zero, not below", () => {
  const rows = new UsageRows();
  rows.take(chunk("a", 0, 9_000_000));
  rows.take(chunk("a", 1_000, 1_000));
  expect(rows.round()).toMatchObject([{ cpuPercent: 0 }]);
});

test("sizes are told as Docker tells them", () => {
  expect([0, 512, 1_536, 3 * 2 ** 30].map(binary)).toEqual(["0B", "512B", "1.5KiB", "3GiB"]);
  expect([0, 999, 1_234, 5_600_000].map(decimal)).toEqual(["0B", "999B", "1.234kB", "5.6MB"]);
});
