import { afterEach, expect, test } from "vitest";
import { openTsctlBench, type TsctlBench } from "../../test/kit/tsctl-bench.js";
import { objectOf, podText, succeed, writeStatus } from "../../test/kit/tsctl-steps.js";

let bench: TsctlBench;
afterEach(() => bench.close());

const labelled = (name: string, label: string, isPlaced: boolean): string => {
  const text = podText(name).replace("labels: {app: web}", `labels: {${label}}`);
  return isPlaced ? text : text.replace("nodeName: host1, ", "");
};
/** The page from the end of its head on. */
const pageOf = async (line: string): Promise<string> => (await succeed(bench, line)).split(/^Created:.*\n/m)[1] ?? "";

test("a queue's page has its quota, and its pods, those that wait first", async () => {
  bench = await openTsctlBench();
  await bench.api.create(
    objectOf(
      "{apiVersion: tallship.dev/v1, kind: Queue, metadata: {name: q}, spec: {cohort: all, quota: {nvidia.com/gpu: 2, cpu: 4}, borrowingLimit: {nvidia.com/gpu: 1}}}",
    ),
  );
  await writeStatus(
    bench,
    "{apiVersion: tallship.dev/v1, kind: Queue, metadata: {name: q}, status: {pending: 1, running: 1, used: {nvidia.com/gpu: 3}, borrowed: {nvidia.com/gpu: 1}}}",
  );
  await bench.api.create(objectOf(labelled("a", "tallship.dev/queue: q", true)));
  await bench.api.create(objectOf(labelled("b", "tallship.dev/queue: q", false)));
  await bench.api.create(objectOf(podText("other")));
  await bench.api.caughtUp();
  expect(await pageOf("describe queue q")).toBe(`Cohort:          all
Priority:        0
Reclaim Policy:  Any
Quota:
  Resource         Quota   Used   Borrowed   Borrows at most   Lends at most
  --------         -----   ----   --------   ---------------   -------------
  cpu              4       0      0          -                 -
  nvidia.com/gpu   2       3      1          1                 -
Pods Statuses:   1 Running / 1 Pending
Pods:
  Namespace   Name   Priority   Status    Node     Age
  ---------   ----   --------   ------    ----     ---
  default     b      0          Pending   <none>   0s
  default     a      0          Pending   host1    0s
Events:          <none>
`);
});

test("a group's page has what it waits for, and its pods by either label", async () => {
  bench = await openTsctlBench();
  await bench.api.create(
    objectOf(
      "{apiVersion: tallship.dev/v1, kind: PodGroup, metadata: {name: ring, namespace: default}, spec: {minMember: 2, topologyKey: rack, topologyPolicy: Preferred, scheduleTimeoutSeconds: 60}}",
    ),
  );
  await bench.api.create(objectOf(labelled("a", "tallship.dev/pod-group: ring", false)));
  await bench.api.create(objectOf(labelled("b", "scheduling.x-k8s.io/pod-group: ring", false)));
  await bench.api.caughtUp();
  expect(await pageOf("describe podgroup ring")).toBe(`Min Member:        2
Topology:          rack (Preferred)
Schedule Timeout:  60s
Phase:             Pending
Pods Statuses:     0 Pods / 0 Scheduled / 0 Running / 0 Succeeded / 0 Failed
Pods:
  Namespace   Name   Priority   Status    Node     Age
  ---------   ----   --------   ------    ----     ---
  default     a      0          Pending   <none>   0s
  default     b      0          Pending   <none>   0s
Events:            <none>
`);
});
