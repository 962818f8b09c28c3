import { expect, test } from "vitest";
import { failuresAfterExit, nextStep, type Observed, restartLimits } from "./supervision.js";

const wanted = ["--name=a", "--data-dir=/d"];
const etcd = { pid: 7, args: ["/usr/bin/etcd", ...wanted] };
const idle: Observed = { holder: undefined, tendedPid: undefined, wanted, notBeforeMs: 0, nowMs: 100 };

const rows: readonly { readonly name: string; readonly observed: Partial<Observed>; readonly want: object }[] = [
  { name: "nothing runs: start", observed: {}, want: { do: "start" } },
  { name: "nothing runs, but it just failed: wait", observed: { notBeforeMs: 101 }, want: { do: "wait" } },
  { name: "the wait is over: start", observed: { notBeforeMs: 100 }, want: { do: "start" } },
  { name: "the tended one runs: keep", observed: { holder: etcd, tendedPid: 7 }, want: { do: "keep" } },
  { name: "an etcd as wanted runs: adopt", observed: { holder: etcd }, want: { do: "adopt", pid: 7 } },
  {
    name: "another than the tended one runs: adopt it",
    observed: { holder: etcd, tendedPid: 6 },
    want: { do: "adopt", pid: 7 },
  },
  // Also while it would have to wait: what runs is not started again.
  {
    name: "adopt although it just failed",
    observed: { holder: etcd, notBeforeMs: 999 },
    want: { do: "adopt", pid: 7 },
  },
  {
    name: "one argument more: replace",
    observed: { holder: { pid: 7, args: [...etcd.args, "--x"] } },
    want: { do: "replace", pid: 7 },
  },
  {
    name: "one argument less: replace",
    observed: { holder: { pid: 7, args: etcd.args.slice(0, -1) }, tendedPid: 7 },
    want: { do: "replace", pid: 7 },
  },
  {
    name: "another program holds the directory: refuse",
    observed: { holder: { pid: 7, args: ["/usr/bin/etcdutl", "x"] } },
    want: { do: "refuse", pid: 7, program: "/usr/bin/etcdutl" },
  },
];
for (const { name, observed, want } of rows) test(name, () => expect(nextStep({ ...idle, ...observed })).toEqual(want));

test("an etcd that ran long enough fails for the first time, and the first restart does not wait", () => {
  expect(failuresAfterExit(5, 60_000, 60_000)).toBe(1);
  expect(failuresAfterExit(5, 59_999, 60_000)).toBe(6);
  const bounds = { firstMs: 250, maxMs: 10_000 };
  expect(restartLimits(1, bounds).maxMs).toBe(0);
  expect(restartLimits(2, bounds)).toBe(bounds);
});
