import { expect, test } from "vitest";
import { limit } from "../../lib/limits.js";
import { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { CALM, floodNotice, turnedOver } from "./flood.js";

/** The times at which the writer is named of a log that is rotated at these. */
function namedAt(rotations: readonly number[]): readonly number[] {
  let turnover = CALM;
  return rotations.filter((atMs) => {
    const next = turnedOver(turnover, atMs);
    turnover = next.turnover;
    return next.keptMs !== undefined;
  });
}

const every = (stepMs: number, count: number): readonly number[] =>
  Array.from({ length: count }, (_, at) => at * stepMs);

test("who fills a whole log within the bound is named once its files have turned over, and not again while it goes on", () => {
  expect(namedAt(every(100, 100))).toEqual([400]);
});

test("who goes on for long is named again now and then", () => {
  const step = limit("logFloodMs") / limit("logFiles");
  expect(namedAt(every(step, 200))).toHaveLength(1 + Math.floor((195 * step) / limit("logFloodToldMs")));
});

test("a log that takes longer than the bound to turn over is nobody's fault", () => {
  expect(namedAt(every(limit("logFloodMs") / (limit("logFiles") - 1), 100))).toEqual([]);
});

test("the notice says what is lost", () => {
  const pod = Pod.fromPartial({ metadata: { name: "web" } });
  expect(floodNotice(pod, "main", 12_300)).toMatchObject({
    ...{ container: "main", type: "Warning", reason: "LogFlood" },
    message: "The container writes more than a log keeps: its 50 MiB hold the last 12 s, what is older is lost",
  });
});
