import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ExecOutput } from "../../proto/gen/tallship/v1/streams.js";
import { openTsctlBench, type TsctlBench } from "../../test/kit/tsctl-bench.js";
import { fail, objectOf, podText, WEB, writeStatus } from "../../test/kit/tsctl-steps.js";
import { waitFor } from "../../test/kit/wait.js";

let bench: TsctlBench;
afterEach(() => bench.close());

describe("exec", () => {
  const inputs: unknown[] = [];

  beforeEach(async () => {
    inputs.length = 0;
    bench = await openTsctlBench({
      streams: {
        exec: async function* (requests) {
          for await (const { part } of requests) {
            inputs.push(part);
            if (part?.$case === "start" && part.value.command[0] === "lost") return;
            if (part?.$case === "start" && !part.value.stdin) break;
            if (part?.$case === "stdin") yield ExecOutput.fromPartial({ part: { $case: "stdout", value: part.value } });
            if (part?.$case === "stdinClosed" || part?.$case === "resize") break;
          }
          yield ExecOutput.fromPartial({ part: { $case: "stderr", value: Buffer.from("to stderr\n") } });
          yield ExecOutput.fromPartial({ part: { $case: "exitCode", value: 42 } });
        },
      },
    });
    await bench.api.create(objectOf(podText("a")));
    await bench.api.create(objectOf(WEB));
  });

  test("passes input, outputs and the exit code on", async () => {
    const { code, out, err } = await bench.run(["exec", "-i", "a", "-c", "side", "--", "cat", "-n"], { input: "hi\n" });
    expect({ code, out, err }).toEqual({ code: 42, out: "hi\n", err: "to stderr\n" });
    expect(inputs[0]).toMatchObject({
      $case: "start",
      value: { pod: "a", container: "side", command: ["cat", "-n"], stdin: true, tty: false },
    });
  });

  test("with -d leaves the command to itself: neither input nor a terminal is its own", async () => {
    const { err } = await bench.run(["exec", "-dit", "a", "sleep", "5"], { input: "hi\n" });
    expect(err).toBe("to stderr\n");
    const value = { isDetached: true, stdin: false, tty: false, command: ["sleep", "5"] };
    expect(inputs[0]).toMatchObject({ $case: "start", value });
  });

  test("in a deployment takes a ready pod", async () => {
    await bench.api.create(objectOf(podText("b")));
    await writeStatus(
      bench,
      '{apiVersion: v1, kind: Pod, metadata: {name: b, namespace: default}, status: {phase: Running, conditions: [{type: Ready, status: "True"}]}}',
    );
    await bench.run(["exec", "deploy/web", "--", "true"]);
    expect(inputs[0]).toMatchObject({ value: { pod: "b", container: "main" } });
  });

  test("with a terminal sends its size and every change of it", async () => {
    const running = bench.start(["exec", "-it", "a", "--", "sh"], { isTerminal: true });
    await waitFor("the command's start", () => inputs[0]);
    running.resize({ width: 100, height: 30 });
    expect((await running.ended).code).toBe(42);
    expect(inputs).toContainEqual({ $case: "resize", value: { width: 100, height: 30 } });
    expect(inputs[0]).toMatchObject({ value: { tty: true, size: { width: 80, height: 24 } } });
  });

  test("a command whose end is not known has not succeeded", async () => {
    const { code, err } = await bench.run(["exec", "a", "--", "lost"]);
    expect(err).toContain("its exit code is lost");
    expect(code).toBe(5);
  });

  test("without a terminal at hand the command gets none", async () => {
    const { err } = await bench.run(["exec", "-t", "a", "--", "sh"]);
    expect(err).toContain("standard input is no terminal");
    expect(inputs[0]).toMatchObject({ value: { tty: false } });
  });

  const refused = [
    { line: "exec a", code: 2, err: "name the command: tsctl exec POD COMMAND" },
    { line: "exec none -- ls", code: 3, err: "does not exist" },
  ];
  test.each(refused)("$line", (row) => fail(bench, row));
});
