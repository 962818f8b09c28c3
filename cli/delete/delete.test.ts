import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openTsctlBench, type TsctlBench } from "../../test/kit/tsctl-bench.js";
import { fail, objectOf, podText, succeed, until } from "../../test/kit/tsctl-steps.js";

let bench: TsctlBench;
afterEach(() => bench.close());

describe("delete", () => {
  beforeEach(async () => {
    bench = await openTsctlBench();
  });

  test("waits until the objects are gone", async () => {
    await bench.api.create(objectOf(podText("a")));
    const running = bench.start(["delete", "pod", "a"]);
    await until(running, 'pod "a" deleted\n');
    let isOver = false;
    void running.ended.then(() => {
      isOver = true;
    });
    await bench.api.clock.advance(1_000);
    expect(isOver).toBe(false);
    await bench.run(["delete", "pod", "a", "--grace-period=0", "--force"]);
    expect((await running.ended).code).toBe(0);
  });

  test("says what it waits for when the time is up", async () => {
    await bench.api.create(objectOf(podText("a")));
    const running = bench.start(["delete", "pod", "a", "--timeout=5s"]);
    await until(running, "deleted");
    await bench.api.clock.advance(6_000);
    const { code, err } = await running.ended;
    expect(err).toBe('error: not gone after 5 s: pod "a" in namespace default has not stopped yet on node host1\n');
    expect(code).toBe(8);
  });

  test("never waits without end: a finalizer that nobody clears is named after a minute", async () => {
    const text =
      "{apiVersion: v1, kind: ConfigMap, metadata: {name: held, namespace: default, finalizers: [example.com/hold]}}";
    await bench.api.create(objectOf(text));
    const running = bench.start(["delete", "cm", "held"]);
    await until(running, "deleted");
    await bench.api.clock.advance(61_000);
    const { code, err } = await running.ended;
    expect(err).toBe(
      'error: not gone after 60 s: configmap "held" in namespace default waits for finalizer example.com/hold\n',
    );
    expect(code).toBe(8);
  });

  test("does not take a new object of the same name for the old one", async () => {
    await bench.api.create(objectOf(podText("a")));
    const running = bench.start(["delete", "pod", "a"]);
    await until(running, "deleted");
    await bench.run(["delete", "pod", "a", "--grace-period=0", "--force"]);
    await bench.api.create(objectOf(podText("a")));
    expect((await running.ended).code).toBe(0);
  });

  test("takes files, selectors and all of a type", async () => {
    bench.files.set(
      "two.yaml",
      "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}\n---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: b, labels: {x: y}}}\n",
    );
    await succeed(bench, "apply -f two.yaml");
    expect(await succeed(bench, "delete cm -l x=y")).toBe('configmap "b" deleted\n');
    await succeed(bench, "apply -f two.yaml");
    expect(await succeed(bench, "delete -f two.yaml")).toBe('configmap "a" deleted\nconfigmap "b" deleted\n');
    await succeed(bench, "apply -f two.yaml");
    expect(await succeed(bench, "delete cm --all -o name")).toBe("configmap/a\nconfigmap/b\n");
  });

  test("a dry run deletes nothing", async () => {
    bench.files.set("a.yaml", "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}");
    await succeed(bench, "apply -f a.yaml");
    expect(await succeed(bench, "delete cm a --dry-run=server")).toBe('configmap "a" deleted (server dry run)\n');
    expect(await succeed(bench, "delete cm a --dry-run")).toBe('configmap "a" deleted (client dry run)\n');
    expect(await succeed(bench, "get cm -o name")).toBe("configmap/a\n");
  });

  const refused = [
    { line: "delete", code: 2, err: "name the objects" },
    { line: "delete pods", code: 2, err: "name the objects, or select them with -l, --field-selector or --all" },
    { line: "delete pod a --now --grace-period=3", code: 2, err: "two answers to one question" },
    { line: "delete pod a --grace-period=3 --force", code: 2, err: "--force goes with --grace-period=0" },
    { line: "delete pod a", code: 3, err: 'error: pod "a" in namespace default does not exist' },
    { line: "delete pod a --ignore-not-found", code: 0, err: "" },
  ];
  test.each(refused)("$line", (row) => fail(bench, row));
});
