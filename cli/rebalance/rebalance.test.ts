import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openTsctlBench, type TsctlBench } from "../../test/kit/tsctl-bench.js";
import { objectOf, succeed, writeStatus } from "../../test/kit/tsctl-steps.js";

let bench: TsctlBench;
afterEach(() => bench.close());

describe("rebalance", () => {
  beforeEach(async () => {
    bench = await openTsctlBench();
    for (const name of ["host1", "host2"]) {
      await bench.api.create(objectOf(`{apiVersion: v1, kind: Node, metadata: {name: ${name}}}`));
      await writeStatus(
        bench,
        `{apiVersion: v1, kind: Node, metadata: {name: ${name}}, status: {allocatable: {cpu: "4", memory: 8Gi}, conditions: [{type: Ready, status: "True"}]}}`,
      );
    }
    for (const name of ["a", "b", "c"]) {
      const owner = "[{apiVersion: apps/v1, kind: ReplicaSet, name: web, uid: u, controller: true}]";
      await bench.api.create(
        objectOf(
          `{apiVersion: v1, kind: Pod, metadata: {name: ${name}, namespace: default, ownerReferences: ${owner}}, spec: {nodeName: host1, containers: [{name: m, image: i}]}}`,
        ),
      );
      await writeStatus(
        bench,
        `{apiVersion: v1, kind: Pod, metadata: {name: ${name}, namespace: default}, status: {phase: Running, conditions: [{type: Ready, status: "True"}]}}`,
      );
    }
  });

  const going = (): Promise<string> =>
    succeed(bench, "get pods -o jsonpath={.items[?(@.metadata.deletionTimestamp)].metadata.name}");

  test("a dry run says what would be moved, and why, and moves nothing", async () => {
    expect(await succeed(bench, "rebalance --dry-run")).toBe(
      "NAMESPACE   POD   FROM    TO      WHY\ndefault     a     host1   host2   3 of its replicas are on host1, 0 on host2\n1 of 3 movable pods would be better off elsewhere; nothing was moved\n",
    );
    expect(await going()).toBe("");
  });

  test("without it pods are evicted; while their replacements come, no other is moved", async () => {
    expect(await succeed(bench, "rebalance --most=1")).toContain("pod/a evicted\n");
    expect(await going()).toBe("a");
    expect(await succeed(bench, "rebalance -A")).toBe(
      "0 of 0 movable pods would be better off elsewhere; nothing was moved\n",
    );
  });
});
