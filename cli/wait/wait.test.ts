import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openTsctlBench, type TsctlBench } from "../../test/kit/tsctl-bench.js";
import { fail, objectOf, podText, succeed, until, writeStatus } from "../../test/kit/tsctl-steps.js";
import { isMet, readGoal } from "./wait.js";

let bench: TsctlBench;
afterEach(() => bench.close());

const status = (name: string, ready: string): string =>
  `{apiVersion: v1, kind: Pod, metadata: {name: ${name}, namespace: default}, status: {phase: Running, conditions: [{type: Ready, status: "${ready}"}]}}`;

describe("wait", () => {
  beforeEach(async () => {
    bench = await openTsctlBench();
    for (const name of ["a", "b"]) await bench.api.create(objectOf(podText(name)));
  });

  test("for a condition of several objects, told one by one", async () => {
    const running = bench.start(["wait", "pods", "a", "b", "--for=condition=ready"]);
    await writeStatus(bench, status("b", "True"));
    await until(running, "pod/b condition met\n");
    await writeStatus(bench, status("a", "True"));
    expect(await running.ended).toEqual({ code: 0, out: "pod/b condition met\npod/a condition met\n", err: "" });
    expect(await succeed(bench, "wait pod a --for=jsonpath={.status.phase}=Running")).toBe("pod/a condition met\n");
  });

  test("until the time is up", async () => {
    const running = bench.start(["wait", "pod/a", "--for=condition=Ready", "--timeout=5s"]);
    await writeStatus(bench, status("a", "False"));
    await bench.api.clock.advance(2_000);
    await bench.api.clock.advance(4_000);
    const { code, err } = await running.ended;
    expect(err).toBe("error: timed out waiting for the condition on pods/a\n");
    expect(code).toBe(8);
    expect((await bench.run(["wait", "pod/a", "--for=condition=Ready", "--timeout=0"])).code).toBe(8);
  });

  test("for the end and the beginning of an object", async () => {
    const going = bench.start(["wait", "pod/a", "pod/none", "--for=delete"]);
    await until(going, "pod/none deleted\n");
    await bench.run(["delete", "pod", "a", "--grace-period=0", "--force"]);
    expect((await going.ended).out).toBe("pod/none deleted\npod/a deleted\n");
    const coming = bench.start(["wait", "pod/c", "--for=create"]);
    await bench.api.create(objectOf(podText("c")));
    expect((await coming.ended).out).toBe("pod/c created\n");
  });

  const refused = [
    { line: "wait pod a", code: 2, err: "say what to wait for" },
    { line: "wait pod a --for=ready", code: 2, err: "--for is condition=NAME" },
    { line: "wait pod none --for=condition=Ready", code: 3, err: "pod/none does not exist" },
    { line: "wait pod -l x=y --for=condition=Ready", code: 3, err: "no matching objects were found" },
  ];
  test.each(refused)("$line", (row) => fail(bench, row));

  test.each([
    { goal: "condition=Ready", isWanted: true },
    { goal: "condition=Ready=false", isWanted: false },
    { goal: "condition=ContainersReady", isWanted: false },
    { goal: "jsonpath='{.status.phase}'=Running", isWanted: true },
    { goal: "jsonpath={.status.phase}", isWanted: true },
    { goal: "jsonpath={.status.podIP}", isWanted: false },
    { goal: 'jsonpath={.status.conditions[?(@.type=="Ready")].status}=True', isWanted: true },
  ])("$goal", ({ goal, isWanted }) => {
    expect(isMet(objectOf(status("a", "True")), readGoal(goal))).toBe(isWanted);
  });
});
