import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openTsctlBench, type TsctlBench } from "../../test/kit/tsctl-bench.js";
import { objectOf, podText, until, writeStatus } from "../../test/kit/tsctl-steps.js";

let bench: TsctlBench;
afterEach(() => bench.close());

describe("get -w", () => {
  beforeEach(async () => {
    bench = await openTsctlBench();
  });

  test("prints what is there and a line for every change, until it is interrupted", async () => {
    await bench.api.create(objectOf(podText("a")));
    const running = bench.start(["get", "pods", "-w"]);
    await until(running, "a      0/2     Pending");
    await bench.api.create(objectOf(podText("bb")));
    await until(running, "bb     0/2     Pending");
    running.interrupt();
    const { code, out } = await running.ended;
    expect(code).toBe(130);
    expect(out.split("\n")[0]).toBe("NAME   READY   STATUS    RESTARTS   AGE");
  });

  test("follows one object by name only", async () => {
    await bench.api.create(objectOf(podText("a")));
    const running = bench.start(["get", "pod", "a", "-w", "-o", "name"]);
    await until(running, "pod/a\n");
    await bench.api.create(objectOf(podText("b")));
    await writeStatus(
      bench,
      `{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: default}, status: {phase: Running}}`,
    );
    await until(running, "pod/a\npod/a\n");
    running.interrupt();
    expect((await running.ended).out).toBe("pod/a\npod/a\n");
  });
});
