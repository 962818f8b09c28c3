import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openTsctlBench, type TsctlBench } from "../../test/kit/tsctl-bench.js";
import { fail, objectOf, succeed } from "../../test/kit/tsctl-steps.js";

let bench: TsctlBench;
afterEach(() => bench.close());

const node = (name: string, spec = "{}"): string =>
  `{apiVersion: v1, kind: Node, metadata: {name: ${name}, labels: {rack: a}}, spec: ${spec}}`;

describe("cordon, uncordon and taint", () => {
  beforeEach(async () => {
    bench = await openTsctlBench();
    await bench.api.create(objectOf(node("host1")));
    await bench.api.create(
      objectOf(node("host2", '{taints: [{key: old, value: x, effect: NoExecute, timeAdded: "2023-11-14T22:13:20Z"}]}')),
    );
  });

  const spec = async (name: string): Promise<Record<string, unknown>> =>
    JSON.parse(await succeed(bench, `get node ${name} -o json`)).spec ?? {};

  test("closes and opens nodes, by name, type and label, and says when there is nothing to do", async () => {
    expect(await succeed(bench, "cordon host1")).toBe("node/host1 cordoned\n");
    expect((await spec("host1"))["unschedulable"]).toBe(true);
    expect(await succeed(bench, "cordon node/host1 node/host2")).toBe(
      "node/host1 already cordoned\nnode/host2 cordoned\n",
    );
    expect(await succeed(bench, "uncordon -l rack=a")).toBe("node/host1 uncordoned\nnode/host2 uncordoned\n");
    expect((await spec("host1"))["unschedulable"]).toBeUndefined();
    expect(await succeed(bench, "cordon node host1 --dry-run")).toBe("node/host1 cordoned (client dry run)\n");
    expect((await spec("host1"))["unschedulable"]).toBeUndefined();
  });

  test("taints are set, replaced and taken away; the others keep their time", async () => {
    expect(await succeed(bench, "taint node host2 gpu=only:NoSchedule")).toBe("node/host2 tainted\n");
    const old = { key: "old", value: "x", effect: "NoExecute", timeAdded: "2023-11-14T22:13:20Z" };
    expect((await spec("host2"))["taints"]).toEqual([old, { key: "gpu", value: "only", effect: "NoSchedule" }]);
    expect(await succeed(bench, "taint node host2 gpu=only:NoSchedule")).toBe(
      "node/host2 not tainted: it is so already\n",
    );
    expect(await succeed(bench, "taint node host2 gpu=no:NoSchedule --overwrite")).toBe("node/host2 tainted\n");
    expect(await succeed(bench, "taint nodes host2 gpu:NoExecute old-")).toBe("node/host2 modified\n");
    expect(await succeed(bench, "taint node host2 gpu-")).toBe("node/host2 untainted\n");
    expect((await spec("host2"))["taints"]).toBeUndefined();
    expect(await succeed(bench, "taint node --all x:PreferNoSchedule")).toBe(
      "node/host1 tainted\nnode/host2 tainted\n",
    );
  });

  const refused = [
    { line: "cordon", code: 2, err: "name the nodes, or select them with -l" },
    { line: "cordon none", code: 3, err: 'node "none" does not exist' },
    { line: "cordon pod/a", code: 2, err: "name nodes, not objects of another type" },
    { line: "cordon host1 -l rack=a", code: 2, err: "name nodes or select them, not both" },
    { line: "taint node host1", code: 2, err: "say what to change" },
    { line: "taint node host1 gpu=only", code: 2, err: '"gpu=only" is no taint' },
    { line: "taint node host1 gpu=only:Never", code: 2, err: "the effect is one of NoSchedule" },
    { line: "taint node host1 gpu-", code: 3, err: 'node/host1: taint "gpu" not found' },
    { line: "taint node host1 a=1:NoSchedule a-", code: 2, err: "taint a is given twice" },
    {
      line: "taint node host2 old=y:NoExecute",
      code: 1,
      err: "already has taint old=x:NoExecute, and --overwrite is false",
    },
    { line: "taint node host1 a=?:NoSchedule", code: 6, err: "spec.taints" },
  ];
  test.each(refused)("$line", (row) => fail(bench, row));
});
