import { expect, test } from "vitest";
import { filesToRunAgain, settle } from "./second-run.mjs";

const failure = (name: string, message = "waited 10000 ms\n    at wait.ts") => ({ name, message });
const file = (path: string, passed: readonly string[], failed: readonly string[] = []) => ({
  path,
  passed: [...passed],
  failures: failed.map((name) => failure(name)),
});
const run = (...files: ReturnType<typeof file>[]) => ({ files, strayCount: 0 });
const failing = (count: number) => run(...Array.from({ length: count }, (_, at) => file(`${at}.test.ts`, [], ["a"])));

// Which files run again: by stage, and up to as many as can be chance.
const choices = [
  { what: "a failed file of the real stage", stage: "real", outcome: failing(1), want: ["0.test.ts"] },
  { what: "nothing of a stage that shares nothing", stage: "unit", outcome: failing(1), want: [] },
  { what: "no file that passed", stage: "cluster", outcome: run(file("a.test.ts", ["one"])), want: [] },
  { what: "five at most", stage: "cluster", outcome: failing(5), want: [0, 1, 2, 3, 4].map((at) => `${at}.test.ts`) },
  { what: "none of six", stage: "cluster", outcome: failing(6), want: [] },
  { what: "none beside a stray failure", stage: "real", outcome: { ...failing(1), strayCount: 1 }, want: [] },
];
for (const { what, stage, outcome, want } of choices)
  test(`runs again: ${what}`, () => expect(filesToRunAgain(stage, outcome)).toEqual(want));

const first = run(file("a.test.ts", ["one"], ["two"]), file("b.test.ts", ["three"]));

// What the second run of a.test.ts says, and what then counts; b.test.ts passed at once.
const counts = [
  { what: "no second run leaves the failure", second: undefined, want: { passed: 2, failed: 1, told: 0 } },
  {
    what: "a test that passes then has passed, and is told",
    second: run(file("a.test.ts", ["one", "two"])),
    want: { passed: 3, failed: 0, told: 1 },
  },
  {
    what: "one that fails twice has failed once",
    second: run(file("a.test.ts", ["one"], ["two"])),
    want: { passed: 2, failed: 1, told: 0 },
  },
  {
    what: "another one that fails then is no pass, and nothing is told of its file",
    second: run(file("a.test.ts", ["two"], ["one"])),
    want: { passed: 2, failed: 1, told: 0 },
  },
  {
    what: "one that does not run then has failed",
    second: run(file("a.test.ts", ["one"])),
    want: { passed: 2, failed: 1, told: 0 },
  },
  {
    what: "a failure beside the tests of the second run counts",
    second: { ...run(file("a.test.ts", ["one", "two"])), strayCount: 1 },
    want: { passed: 3, failed: 1, told: 0 },
  },
  {
    what: "a second run that came to nothing leaves the failure",
    second: { files: [], strayCount: 1 },
    want: { passed: 2, failed: 1, told: 0 },
  },
];
for (const { what, second, want } of counts)
  test(`counts: ${what}`, () => {
    const { told, ...sums } = settle(first, new Map(second === undefined ? [] : [["a.test.ts", second] as const]));
    expect({ ...sums, told: told.length }).toEqual(want);
  });

// A hook that fails names no test; its file has to have run then.
const hooks = [
  { second: run(file("a.test.ts", ["one"])), failed: 0 },
  { second: run(file("a.test.ts", [], [""])), failed: 1 },
  { second: run(file("a.test.ts", [])), failed: 1 },
];
for (const { second, failed } of hooks)
  test(`a failed hook counts ${failed} when the second run is ${JSON.stringify(second.files[0])}`, () => {
    expect(settle(run(file("a.test.ts", [], [""])), new Map([["a.test.ts", second]])).failed).toBe(failed);
  });

test("what passed only when run again is named with what it said the first time; stray failures stay", () => {
  const again = new Map([["a.test.ts", run(file("a.test.ts", ["one", "two"]))]]);
  expect(settle({ ...first, strayCount: 2 }, again)).toEqual({
    passed: 3,
    failed: 2,
    told: ["passed only when run again: a.test.ts > two\n  the first time: waited 10000 ms"],
  });
});
