import { expect, test } from "vitest";
import { Node } from "../../proto/gen/tallship/v1/node.js";
import { allGpus, parseGpus } from "./gpus.js";

// What docker's own documentation shows, and what hands type instead.
const rows = [
  { text: "2", want: { count: 2, devices: [] } },
  { text: "all", want: { count: "all", devices: [] } },
  { text: "count=all,driver=nvidia,capabilities=compute", want: { count: "all", devices: [] } },
  { text: "driver=nvidia", want: { count: "all", devices: [] } },
  { text: "count=3,capabilities=utility,compute", want: { count: 3, devices: [] } },
  { text: "device=0", want: { count: 1, devices: ["nvidia.com/gpu=0"] } },
  { text: '"device=0,2"', want: { count: 2, devices: ["nvidia.com/gpu=0", "nvidia.com/gpu=2"] } },
  { text: "device=GPU-8f2e", want: { count: 1, devices: ["nvidia.com/gpu=GPU-8f2e"] } },
] as const;

for (const { text, want } of rows) test(`--gpus ${text}`, () => expect(parseGpus(text)).toEqual(want));

for (const text of ["0", "some", "device=", "colour=red", "1.5", "device=a/b"])
  test(`--gpus ${text} is refused with what there is`, () =>
    expect(() => parseGpus(text)).toThrow(`--gpus is a count, all, or device=NAME[,NAME…], not "${text}"`));

test("a count and names at once are refused", () =>
  expect(() => parseGpus("count=2,device=0")).toThrow("either a count or devices"));

test("all are those of the node that has the most, or of the one that is asked for", () => {
  const nodes = Object.entries({ a: "2", b: "8", c: "" }).map(([name, count]) =>
    Node.fromPartial({ metadata: { name }, status: { allocatable: count === "" ? {} : { "nvidia.com/gpu": count } } }),
  );
  expect([allGpus(nodes, undefined), allGpus(nodes, "a"), allGpus(nodes, "c"), allGpus(nodes, "d")]).toEqual([
    8, 2, 0, 0,
  ]);
});
