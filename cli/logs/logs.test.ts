import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { TallshipError } from "../../lib/errors.js";
import { LogsChunk } from "../../proto/gen/tallship/v1/streams.js";
import { openTsctlBench, type TsctlBench } from "../../test/kit/tsctl-bench.js";
import { fail, objectOf, podText, succeed, until, WEB, writeStatus } from "../../test/kit/tsctl-steps.js";
import { waitFor } from "../../test/kit/wait.js";

let bench: TsctlBench;
afterEach(() => bench.close());

describe("logs", () => {
  const asked: object[] = [];

  beforeEach(async () => {
    asked.length = 0;
    bench = await openTsctlBench({
      streams: {
        logs: async function* (request, { signal }) {
          asked.push(request);
          if (request.pod === "none") throw new TallshipError("not_found", "Pod/default/none does not exist");
          if (request.pod === "gone") yield LogsChunk.fromPartial({ note: "pod default/gone was deleted 5s ago" });
          if (request.allContainers === true)
            yield LogsChunk.fromPartial({ bytes: Buffer.from("a"), container: "side" });
          yield LogsChunk.fromPartial({ bytes: Buffer.from(`${request.pod}/${request.container} one\n`) });
          yield LogsChunk.fromPartial({ bytes: Buffer.from("two\n"), missedLineCount: request.pod === "b" ? 7 : 0 });
          if (request.follow) await new Promise((resolve) => signal.addEventListener("abort", resolve));
        },
      },
    });
    await bench.api.create(objectOf(podText("a")));
    await bench.api.create(objectOf(WEB));
  });

  test("of one pod are its first container's, as they are", async () => {
    expect(await succeed(bench, "logs a --tail=5 --since 60 --timestamps -p")).toBe("a/main one\ntwo\n");
    expect(asked).toMatchObject([
      {
        pod: "a",
        container: "main",
        tailLines: 5,
        timestamps: true,
        previous: true,
        sinceTime: new Date(bench.api.clock.nowMs() - 60_000).toISOString(),
      },
    ]);
  });

  test("of a deployment are those of all its pods, each line with its pod", async () => {
    await bench.api.create(objectOf(podText("b")));
    const { out, err } = await bench.run(["logs", "deploy/web"]);
    expect(out.split("\n").sort()).toEqual([
      "",
      "[pod/a/main] a/main one",
      "[pod/a/main] two",
      "[pod/b/main] b/main one",
      "[pod/b/main] two",
    ]);
    expect(err).toBe("[pod/b/main] 7 lines were missed here: they came faster than they were read\n");
  });

  test("of a pod that is gone are what its node still has, and how it ended", async () => {
    const { out, err } = await bench.run(["logs", "gone", "-f"]);
    expect(out).toBe("gone/ one\ntwo\n");
    expect(err).toBe("[pod/gone] pod default/gone was deleted 5s ago\n");
    expect(asked).toMatchObject([{ pod: "gone", container: "", follow: false }]);
    const all = await bench.run(["logs", "gone", "--all-containers"]);
    expect(all.out).toBe("[pod/gone/side] a\n[pod/gone] gone/ one\n[pod/gone] two\n");
  });

  test("an id that ps shows stands for its container, and times bound what is told", async () => {
    const ids = (await succeed(bench, "ps -aq")).trim().split("\n");
    const told: string[] = [];
    for (const id of ids) told.push(await succeed(bench, `logs ${id}`));
    expect(told.sort()).toEqual(["a/main one\ntwo\n", "a/side one\ntwo\n"]);
    expect((await bench.run(["logs", "abc"])).out).toBe("abc/ one\ntwo\n");
    await succeed(bench, "logs a --tail all --since 2026-01-31T12:00:00Z");
    expect(asked.at(-1)).toMatchObject({ sinceTime: "2026-01-31T12:00:00Z" });
    await fail(bench, { line: "logs a --tail some", code: 2, err: "--tail is a number of lines or all" });
  });

  test("the container may stand after its pod", async () => {
    expect(await succeed(bench, "logs a side")).toBe("a/side one\ntwo\n");
    expect(await succeed(bench, "logs pod/a side")).toBe("a/side one\ntwo\n");
    await fail(bench, { line: "logs a side -c main", code: 2, err: "after the pod, or after -c, not both" });
  });

  test("of all containers", async () => {
    expect(await succeed(bench, "logs a --all-containers")).toBe(
      "[pod/a/main] a/main one\n[pod/a/side] a/side one\n[pod/a/main] two\n[pod/a/side] two\n",
    );
  });

  test("with a selector end with the last ten lines", async () => {
    await succeed(bench, "logs -l app=web");
    expect(asked).toMatchObject([{ tailLines: 10 }]);
  });

  test("are followed into pods that come later", async () => {
    const run = (name: string): Promise<void> =>
      writeStatus(
        bench,
        `{apiVersion: v1, kind: Pod, metadata: {name: ${name}, namespace: default}, status: {phase: Running, containerStatuses: [{name: main, state: {running: {}}}]}}`,
      );
    await run("a");
    const running = bench.start(["logs", "deploy/web", "-f", "--tail=3"]);
    await until(running, "[pod/a/main] two");
    await bench.api.create(objectOf(podText("c")));
    await run("c");
    await until(running, "[pod/c/main] two");
    // The second run of a container is another log.
    await writeStatus(
      bench,
      `{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: default}, status: {phase: Running, containerStatuses: [{name: main, restartCount: 1, state: {running: {}}}]}}`,
    );
    await waitFor("the second run", () => asked.length === 3);
    expect(asked).toMatchObject([
      { pod: "a", tailLines: 3 },
      { pod: "c", tailLines: undefined },
      { pod: "a", tailLines: undefined },
    ]);
    running.interrupt();
    expect((await running.ended).code).toBe(130);
  });

  const refused = [
    { line: "logs", code: 2, err: "name a pod" },
    { line: "logs none", code: 3, err: 'pod "none" in namespace default does not exist' },
    { line: "logs a -c none", code: 3, err: 'pod "a" has no container "none", it has main, side' },
    { line: "logs a --since=1m --since-time=2026-01-31T12:00:00Z", code: 2, err: "two answers" },
    { line: "logs a --since-time=yesterday", code: 2, err: "want a time such as" },
    { line: "logs cm/a", code: 6, err: "configmaps have no pods" },
    { line: "logs -l app=none", code: 3, err: "no pods in namespace default match app=none" },
  ];
  test.each(refused)("$line", (row) => fail(bench, row));
});
