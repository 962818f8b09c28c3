import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Node } from "../../proto/gen/tallship/v1/node.js";
import { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { openTsctlBench, type TsctlBench } from "../../test/kit/tsctl-bench.js";
import { fail, objectOf, succeed, WEB, writeStatus } from "../../test/kit/tsctl-steps.js";
import { waitsOf } from "./pod-waits.js";

let bench: TsctlBench;
afterEach(() => bench.close());

async function addNode(name: string, memory: string, spec = "{}"): Promise<void> {
  await bench.api.create(objectOf(`{apiVersion: v1, kind: Node, metadata: {name: ${name}}, spec: ${spec}}`));
  await writeStatus(
    bench,
    `{apiVersion: v1, kind: Node, metadata: {name: ${name}}, status: {allocatable: {cpu: "4", memory: ${memory}}, conditions: [{type: Ready, status: "True"}]}}`,
  );
}

const pod = (name: string, memory: string, more = ""): string =>
  `{apiVersion: v1, kind: Pod, metadata: {name: ${name}, namespace: default, labels: {app: web}}, spec: {containers: [{name: main, image: i, resources: {requests: {memory: ${memory}}}}]${more}}}`;

describe("why", () => {
  beforeEach(async () => {
    bench = await openTsctlBench();
    await addNode("host1", "2Gi");
    await addNode("host2", "6Gi");
    await addNode("host3", "32Gi", "{taints: [{key: gpu, value: only, effect: NoSchedule}]}");
  });

  test("a pod that fits nowhere: every node with all that it has against it, and what would be enough", async () => {
    await bench.api.create(objectOf(pod("big", "7.2Gi")));
    expect(await succeed(bench, "why big")).toBe(
      [
        "pod/big: Pending",
        "0/3 nodes: 2 insufficient memory (short by 1.2Gi at best), 1 tainted gpu=only",
        "",
        "NODE    FILTER      WHY NOT",
        "host1   resources   insufficient memory (short by 5.2Gi)",
        "host2   resources   insufficient memory (short by 1.2Gi)",
        "host3   taints      tainted gpu=only",
        "",
        "One change would be enough:",
        "  1.2Gi less memory requested, or so much more free: host2, host1",
        "  a toleration for gpu=only: host3",
        "",
        "Preemption would not help: no node fits even without its pods of lower priority.",
        "",
      ].join("\n"),
    );
  });

  test("a pod that a node takes: pods that go before it, and what each score says of the nodes that would take it", async () => {
    await bench.api.create(objectOf(pod("first", "1Gi")));
    await bench.api.clock.advance(1_000);
    await bench.api.create(objectOf(pod("second", "1Gi")));
    expect(await succeed(bench, "why pod/second")).toBe(
      [
        "pod/second: Pending",
        "node host2 takes it: it is about to be bound, after 1 pod that goes before it",
        "",
        "RANK   NODE    SCORE      LEAST-ALLOCATED   BALANCED",
        "1      host2   176.2499   90.4166           85.8333",
        "2      host1   126.25     73.75             52.5",
        "",
      ].join("\n"),
    );
  });

  test("a pod that has a node: how that compares with the others, as if it were to be placed now", async () => {
    await bench.api.create(objectOf(pod("there", "1Gi", ", nodeName: host1")));
    const text = await succeed(bench, "why there");
    expect(text).toContain("\n\nWere it placed now, nodes would come in this order:\nRANK   NODE               SCORE");
    expect(text).toMatch(/\n1 +host2 +176\.2499 .*\n2 +host1 \(its node\) +126\.25 .*\n$/);
    await bench.api.create(
      objectOf(
        pod("bound", "1Gi", ", nodeName: host3, tolerations: [{key: gpu, operator: Exists}]").replace(
          "metadata: {",
          "metadata: {ownerReferences: [], ",
        ),
      ),
    );
    expect(await succeed(bench, "why bound")).toMatch(/\n1 +host3 \(its node\) /);
  });

  test("whom preemption would send away, or that the pod may not", async () => {
    const priority = (name: string, more: string): string =>
      `{apiVersion: scheduling.k8s.io/v1, kind: PriorityClass, metadata: {name: ${name}}, value: 1000${more}}`;
    await bench.api.create(objectOf(priority("high", "")));
    await bench.api.create(objectOf(priority("meek", ", preemptionPolicy: Never")));
    await bench.api.create(objectOf(pod("low", "5Gi", ", nodeName: host2")));
    await bench.api.create(objectOf(pod("big", "4Gi", ", priorityClassName: high")));
    await bench.api.create(objectOf(pod("patient", "4Gi", ", priorityClassName: meek")));
    expect(await succeed(bench, "why big")).toContain(
      "\nPreemption makes room on host2: default/low (priority 0) would have to go.\n",
    );
    expect(await succeed(bench, "why patient")).toContain(
      "\nIt may not preempt others: its preemptionPolicy is Never.\n1 pod",
    );
  });

  test("a group that does not fit as a whole: how many of it would find a node, and no table of nodes that would each take one", async () => {
    const group =
      "{apiVersion: tallship.dev/v1, kind: PodGroup, metadata: {name: ring, namespace: default}, spec: {minMember: 3}}";
    await bench.api.create(objectOf(group));
    for (const name of ["a", "b", "c"])
      await bench.api.create(objectOf(pod(name, "3Gi").replace("app: web", "tallship.dev/pod-group: ring")));
    expect(await succeed(bench, "why a")).toBe(
      [
        "pod/a: Pending",
        'pod group "ring" needs nodes for 3 more pods at once: 2 of 3 would find one; the next: 0/3 nodes: 2 insufficient memory (short by 1Gi at best), 1 tainted gpu=only',
        "",
        "NODE    FILTER      WHY NOT",
        "host1   resources   insufficient memory (short by 1Gi)",
        "host3   taints      tainted gpu=only",
        "",
        "One change would be enough:",
        "  1Gi less memory requested, or so much more free: host1",
        "  a toleration for gpu=only: host3",
        "",
        "Preemption would not help: the group does not fit even without pods of lower priority.",
        "",
      ].join("\n"),
    );
  });

  test("a pod that is left to another scheduler", async () => {
    await bench.api.create(objectOf(pod("other", "1Gi", ", schedulerName: theirs")));
    expect(await succeed(bench, "why other")).toContain(
      'no node is looked for: it is left to the scheduler "theirs"\n',
    );
  });

  test("a workload: pods with one reason are told once, and what keeps it from having pods at all", async () => {
    await bench.api.create(objectOf(WEB));
    for (const name of ["a", "b"]) await bench.api.create(objectOf(pod(name, "99Gi")));
    await writeStatus(
      bench,
      '{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: default}, status: {conditions: [{type: ReplicaFailure, status: "True", reason: FailedCreate, message: "exceeded quota: q"}]}}',
    );
    const text = await succeed(bench, "why deploy/web");
    expect(text).toContain("deployment.apps/web: 0 of 2 pods are ready\n\nFailedCreate: exceeded quota: q\n");
    expect(text).toContain("pod/a (as 1 more): Pending\n0/3 nodes: 2 insufficient memory");
    expect(text).not.toContain("pod/b");
  });

  test("a job that lacks pods is told of by what it wants, and why they come later", async () => {
    const job = "{apiVersion: batch/v1, kind: Job, metadata: {name: j, namespace: default}";
    await bench.api.create(
      objectOf(
        `${job}, spec: {parallelism: 4, completions: 5, template: {spec: {restartPolicy: Never, containers: [{name: c, image: i}]}}}}`,
      ),
    );
    await writeStatus(bench, `${job}, status: {active: 1, failed: 2, succeeded: 2}}`);
    expect(await succeed(bench, "why job/j")).toBe(
      "job.batch/j: 0 of 3 pods are ready\n\n2 more pods are to be made: after a pod has failed (2 have so far) the next comes later each time, from 10 seconds on\n",
    );
    const note = (name: string, reason: string, atS: number): string =>
      `{apiVersion: v1, kind: Event, metadata: {name: ${name}, namespace: default}, involvedObject: {kind: Job, namespace: default, name: j}, type: Warning, reason: ${reason}, message: "Error creating: exceeded quota: q", lastTimestamp: "2023-11-14T22:13:${atS}Z"}`;
    await bench.api.create(objectOf(note("e1", "FailedCreate", 20)));
    expect(await succeed(bench, "why job/j")).toBe(
      "job.batch/j: 0 of 3 pods are ready\n\nFailedCreate: Error creating: exceeded quota: q\n",
    );
    expect(await succeed(bench, "when job/j")).toContain("\n  FailedCreate: Error creating: exceeded quota: q\n");
    await writeStatus(bench, `${job}, status: {active: 3, failed: 2, succeeded: 2}}`);
    expect(await succeed(bench, "why job/j")).toContain("\n\nFailedCreate: Error creating");
    await writeStatus(bench, `${job}, status: {active: 1, failed: 2, succeeded: 2}}`);
    await bench.api.create(objectOf(note("e2", "SuccessfulCreate", 21)));
    expect(await succeed(bench, "why job/j")).toContain("\n\n2 more pods are to be made");
    await bench.api.create(objectOf(note("e3", "FailedCreate", 22)));
    const over = `{type: Complete, status: "True"}`;
    await writeStatus(bench, `${job}, status: {succeeded: 5, conditions: [${over}]}}`);
    expect(await succeed(bench, "why job/j")).toBe("job.batch/j: 0 of 0 pods are ready\n");
  });

  test("stateful and daemon sets that lack pods tell what refused these last", async () => {
    const spec =
      "{selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: i}]}}}";
    for (const [kind, status] of [
      ["StatefulSet", "replicas: 0"],
      ["DaemonSet", "currentNumberScheduled: 1, desiredNumberScheduled: 2, numberMisscheduled: 0, numberReady: 0"],
    ] as const) {
      const head = `apiVersion: apps/v1, kind: ${kind}, metadata: {name: s, namespace: default}`;
      await bench.api.create(objectOf(`{${head}, spec: ${spec}}`));
      await writeStatus(bench, `{${head}, status: {${status}}}`);
      await bench.api.create(
        objectOf(
          `{apiVersion: v1, kind: Event, metadata: {name: of-${kind.toLowerCase()}, namespace: default}, involvedObject: {kind: ${kind}, namespace: default, name: s}, type: Warning, reason: FailedCreate, message: exceeded}`,
        ),
      );
      expect(await succeed(bench, `why ${kind.toLowerCase()}/s`)).toContain("\n\nFailedCreate: exceeded\n");
    }
  });

  const refused = [
    { line: "why", code: 2, err: "name one object" },
    { line: "why none", code: 3, err: 'pod "none" in namespace default does not exist' },
    { line: "why cm/x", code: 6, err: "have no pods" },
  ];
  test.each(refused)("$line", (row) => fail(bench, row));
});

const ready = Node.fromPartial({
  metadata: { name: "h" },
  status: { conditions: [{ type: "Ready", status: "True" }] },
});
const lost = Node.fromPartial({
  metadata: { name: "h" },
  status: { conditions: [{ type: "Ready", status: "Unknown", lastTransitionTime: "2023-11-14T22:13:20Z" }] },
});
const ailing = Node.fromPartial({
  metadata: { name: "h" },
  status: {
    conditions: [
      { type: "Ready", status: "True" },
      { type: "NetworkFault", status: "True", reason: "VxlanBlocked", message: "VxlanBlocked: host2" },
    ],
  },
});
const waiting = (reason: string, message = "", lastExit?: number) => ({
  name: "main",
  state: { waiting: { reason, message } },
  lastState: lastExit === undefined ? undefined : { terminated: { exitCode: lastExit, reason: "Error" } },
});

// What a pod with a node may wait for, each once; the words are what people read.
const rows = [
  {
    name: "an image that cannot be pulled",
    pod: { status: { phase: "Pending", containerStatuses: [waiting("ImagePullBackOff", "no such image x:1")] } },
    want: ["container main: ImagePullBackOff: no such image x:1"],
  },
  {
    name: "a crash",
    pod: { status: { phase: "Running", containerStatuses: [waiting("CrashLoopBackOff", "back-off 10s", 3)] } },
    want: ["container main: it ends again and again (CrashLoopBackOff): back-off 10s; it ended with 3"],
  },
  {
    name: "what it starts after",
    pod: {
      metadata: { annotations: { "tallship.dev/start-after": "db=healthy" } },
      status: { phase: "Pending", containerStatuses: [waiting("WaitingForDependency")] },
    },
    want: ["it is waiting for db to be healthy"],
  },
  {
    name: "its init container",
    pod: {
      status: {
        phase: "Pending",
        initContainerStatuses: [{ name: "setup", state: { running: {} } }],
        containerStatuses: [waiting("PodInitializing")],
      },
    },
    want: ["init container setup has not ended yet"],
  },
  {
    name: "its probe",
    pod: { status: { phase: "Running", containerStatuses: [{ name: "main", state: { running: {} } }] } },
    want: ["container main runs, and its readiness probe does not pass"],
  },
  { name: "its node", node: lost, pod: { status: { phase: "Unknown" } }, want: ["its node h is NotReady since 60s"] },
  {
    name: "its node's network, too",
    node: ailing,
    pod: { status: { phase: "Running", containerStatuses: [{ name: "main", state: { running: {} } }] } },
    want: [
      "container main runs, and its readiness probe does not pass",
      "its node h finds a fault of the network: VxlanBlocked: host2 (tsctl net check)",
    ],
  },
  { name: "nothing yet", pod: { status: { phase: "Pending" } }, want: ["node h has not begun with it yet"] },
  { name: "nothing", pod: { status: { phase: "Succeeded" } }, want: [] },
  {
    name: "its end",
    pod: { metadata: { deletionTimestamp: "2023-11-14T22:13:20Z" } },
    want: ["it is being deleted and has not stopped yet on node h"],
  },
  {
    name: "nothing any more: it has failed",
    pod: {
      status: {
        phase: "Failed",
        reason: "DeadlineExceeded",
        containerStatuses: [{ name: "main", state: { terminated: { exitCode: 137, reason: "OOMKilled" } } }],
      },
    },
    want: ["it has failed: DeadlineExceeded", "container main ended with 137 (OOMKilled)"],
  },
];

test.each(rows)("a pod that waits for $name", (row) => {
  const bound = Pod.fromPartial({ ...row.pod, spec: { nodeName: "h" } });
  const ground = { node: row.node ?? ready, events: [], nowMs: Date.parse("2023-11-14T22:14:20Z") };
  expect(waitsOf(bound, ground)).toEqual(row.want);
});
