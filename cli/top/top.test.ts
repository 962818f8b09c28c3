import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { UsageResponse } from "../../proto/gen/tallship/v1/session.js";
import { openTsctlBench, type TsctlBench } from "../../test/kit/tsctl-bench.js";
import { fail, objectOf, succeed, writeStatus } from "../../test/kit/tsctl-steps.js";

let bench: TsctlBench;
afterEach(() => bench.close());

const MIB = 2 ** 20;
let usage: UsageResponse = UsageResponse.fromPartial({});

async function fill(): Promise<void> {
  for (const name of ["host1", "host2"]) {
    await bench.api.create(objectOf(`{apiVersion: v1, kind: Node, metadata: {name: ${name}}}`));
    await writeStatus(
      bench,
      `{apiVersion: v1, kind: Node, metadata: {name: ${name}}, status: {allocatable: {cpu: "4", memory: 8Gi, pods: "110", example.com/gpu: "2"}, conditions: [{type: Ready, status: "True"}]}}`,
    );
  }
  const uids: string[] = [];
  for (const [name, cpu] of [
    ["a", "1"],
    ["b", "4"],
  ] as const) {
    const text = `{apiVersion: v1, kind: Pod, metadata: {name: ${name}, namespace: default, labels: {app: ${name}}}, spec: {nodeName: host1, containers: [{name: main, image: i, resources: {requests: {cpu: "${cpu}", memory: 1Gi, example.com/gpu: "1"}, limits: {example.com/gpu: "1"}}}]}}`;
    // The second pod is too much for the node: its user has bound it there.
    uids.push((await bench.api.create(objectOf(text))).object.metadata?.uid ?? "");
  }
  usage = UsageResponse.fromPartial({
    nodes: [{ name: "host1", cpuMillicores: 1_000, memoryBytes: 2_048 * MIB }],
    pods: [
      { uid: uids[0] ?? "", containers: [{ name: "main", cpuMillicores: 250.4, memoryBytes: 100 * MIB }] },
      { uid: uids[1] ?? "", containers: [{ name: "main", memoryBytes: 300 * MIB }] },
    ],
  });
}

describe("top", () => {
  beforeEach(async () => {
    bench = await openTsctlBench({ usage: async () => usage });
    await fill();
  });

  test("nodes: used, reserved, and what is of no use", async () => {
    expect(await succeed(bench, "top nodes")).toBe(
      [
        "NAME    CPU(cores)   CPU(%)   MEMORY(bytes)   MEMORY(%)   CPU REQUESTED   MEMORY REQUESTED   PODS    EXAMPLE.COM/GPU   FRAGMENTED",
        "host1   1000m        25%      2048Mi          25%         5000m (125%)    2048Mi (25%)       2/110   2/2               100%",
        "host2   <unknown>    -        <unknown>       -           0m (0%)         0Mi (0%)           0/110   0/2               0%",
        "",
      ].join("\n"),
    );
    expect(await succeed(bench, "top node host2 --no-headers")).toMatch(/^host2 /);
  });

  test("where nodes tell GPUs apart: how many are given out, and what the rest is good for", async () => {
    await writeStatus(
      bench,
      `{apiVersion: v1, kind: Node, metadata: {name: host2}, status: {allocatable: {cpu: "4", memory: 8Gi, nvidia.com/gpu: "2"}, devices: [{name: nvidia.com/gpu=0}, {name: nvidia.com/gpu=1}], conditions: [{type: Ready, status: "True"}]}}`,
    );
    const share = `{apiVersion: v1, kind: Pod, metadata: {name: share, namespace: default}, spec: {nodeName: host2, containers: [{name: main, image: i, resources: {limits: {cpu: "4", tallship.dev/gpu-milli: "500"}}}]}}`;
    await bench.api.create(objectOf(share));
    const text = await succeed(bench, "top nodes");
    expect(text).toMatch(/ GPU ALLOCATED +GPU FRAGMENTED\n/);
    expect(text).toMatch(/^host1 .* - +-$/m);
    expect(text).toMatch(/^host2 .* 0\.5\/2 \(25%\) +100%$/m);
  });

  test("pods: by use, in all namespaces, by container, with sums", async () => {
    expect(await succeed(bench, "top pods --sort-by=memory")).toBe(
      "NAME   CPU(cores)   MEMORY(bytes)   CPU REQUESTED   MEMORY REQUESTED   NODE\nb      <unknown>    300Mi           4000m           1024Mi             host1\na      250m         100Mi           1000m           1024Mi             host1\n",
    );
    expect(await succeed(bench, "top pod -A -l app=a --no-headers")).toMatch(/^default +a +250m +100Mi/);
    expect(await succeed(bench, "top pods a --containers --no-headers")).toMatch(/^a +main +250m +100Mi\n$/);
    expect(await succeed(bench, "top pods --sum --no-headers")).toMatch(/\n +250m +400Mi +5000m +2048Mi\n$/);
  });

  const refused = [
    { line: "top pods none", code: 3, err: 'pod "none" in namespace default does not exist' },
    { line: "top pods a b", code: 2, err: 'unexpected "b"' },
    { line: "top nodes --sort-by=disk", code: 2, err: "--sort-by is one of cpu, memory" },
  ];
  test.each(refused)("$line", (row) => fail(bench, row));
});

test("while nobody leads, what is reserved is shown, and why what is used is not", async () => {
  bench = await openTsctlBench();
  await fill();
  const { code, out, err } = await bench.run(["top", "pods", "-l", "app=a", "--no-headers"]);
  expect(out).toMatch(/^a +<unknown> +<unknown> +1000m/);
  expect(err).toBe("warning: what is used is not known: this bench has no usage\n");
  expect(code).toBe(0);
});
