import { expect, test } from "vitest";
import { FILL_VOLUMES, filledVolumes, fillVolumesProblem } from "./fill-volumes.js";

const rows = [
  { text: undefined, want: [] },
  { text: "", want: [] },
  { text: "data", want: ["data"] },
  { text: " data , cache,", want: ["data", "cache"] },
];

for (const { text, want } of rows)
  test(`${text} names ${want.length} volumes`, () => {
    expect([...filledVolumes(text === undefined ? {} : { [FILL_VOLUMES]: text })]).toEqual(want);
  });

test("what can be no name of a volume is told", () => {
  expect(fillVolumesProblem("data,cache")).toBeUndefined();
  expect(fillVolumesProblem("data,/cache")).toContain('"/cache"');
});
