import { afterEach, expect, test } from "vitest";
import { openTsctlBench, type TsctlBench } from "../../test/kit/tsctl-bench.js";
import { fail, objectOf, podText, succeed, writeStatus } from "../../test/kit/tsctl-steps.js";

let bench: TsctlBench;
afterEach(() => bench.close());

const NODE = "apiVersion: v1, kind: Node, metadata: {name: host1}";

test("a node's page has all resources that are asked for there, and who has which device", async () => {
  bench = await openTsctlBench();
  await bench.api.create(objectOf(`{${NODE}}`));
  await writeStatus(
    bench,
    `{${NODE}, status: {allocatable: {cpu: "4", memory: 8Gi, pods: "110", nvidia.com/gpu: "2"}, devices: [{name: nvidia.com/gpu=0, model: L4, memory: 24Gi}, {name: nvidia.com/gpu=1}]}}`,
  );
  const resources = (text: string): string => `resources: {requests: {${text}}, limits: {${text}}}`;
  await bench.api.create(
    objectOf(
      `{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: default, annotations: {tallship.dev/devices: nvidia.com/gpu=0}}, spec: {nodeName: host1, initContainers: [{name: i, image: i, ${resources("memory: 4Gi")}}], containers: [{name: c, image: i, ${resources("cpu: 500m, memory: 1Gi, nvidia.com/gpu: 1")}}]}}`,
    ),
  );
  await bench.api.caughtUp();
  const page = await succeed(bench, "describe node host1");
  expect(page).toContain(`Devices:
  Name               Model   Memory   Pods
  ----               -----   ------   ----
  nvidia.com/gpu=0   L4      24Gi     default/p
  nvidia.com/gpu=1   -       -        -
Reserved:
  Resource         Requests     Limits
  --------         --------     ------
  cpu              500m (13%)   500m (13%)
  memory           4Gi (50%)    4Gi (50%)
  nvidia.com/gpu   1 (50%)      1 (50%)
`);
});

test("a name that nothing has stands for all that begin with it", async () => {
  bench = await openTsctlBench();
  for (const name of ["web-1", "web-2", "other"]) await bench.api.create(objectOf(podText(name)));
  await bench.api.caughtUp();
  const names = (await succeed(bench, "describe pod web-")).match(/(?<=^Name: +)\S+/gm);
  expect(names).toEqual(["web-1", "web-2"]);
  await fail(bench, { line: "describe pod wob-", code: 3, err: 'pod "wob-" in namespace default' });
});
