import { afterEach, beforeEach, expect, test } from "vitest";
import { ListImagesResponse } from "../../proto/gen/tallship/v1/images.js";
import { openTsctlBench, type TsctlBench } from "../../test/kit/tsctl-bench.js";
import { podText, succeed, writeStatus } from "../../test/kit/tsctl-steps.js";

let bench: TsctlBench;
beforeEach(async () => {
  bench = await openTsctlBench({ images: { list: async () => ListImagesResponse.fromPartial({}) } });
});
afterEach(() => bench.close());

test("info counts containers of all namespaces and adds nodes up", async () => {
  bench.files.set("pod.yaml", podText("web"));
  await succeed(bench, "create -f pod.yaml");
  const running = "{name: main, state: {running: {startedAt: 2026-01-31T12:00:00Z}}}";
  await writeStatus(
    bench,
    `{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: default}, status: {phase: Running, containerStatuses: [${running}]}}`,
  );
  const out = await succeed(bench, "info");
  expect(out).toContain("Containers: 2\n Running: 1\n Paused: 0\n Stopped: 0\nImages: 0\nServer Version: 0.1.0\n");
  expect(out).toContain("Total Memory: 0B\n");
  expect(await succeed(bench, "info --format {{.ContainersRunning}}/{{.Nodes}}")).toBe("1/0\n");
  expect(JSON.parse(await succeed(bench, "system info -f json"))).toMatchObject({ Containers: 2, NCPU: 0 });
});
