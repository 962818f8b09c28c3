import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openTsctlBench, type TsctlBench } from "../../test/kit/tsctl-bench.js";
import { fail, objectOf, succeed, writeStatus } from "../../test/kit/tsctl-steps.js";

let bench: TsctlBench;
afterEach(() => bench.close());

const spec = (cpu: string, more = ""): string =>
  `{restartPolicy: Never, containers: [{name: main, image: i, resources: {requests: {cpu: "${cpu}"}}}]${more}}`;
const pod = (name: string, cpu: string, more = "", owner = ""): string =>
  `{apiVersion: v1, kind: Pod, metadata: {name: ${name}, namespace: default${owner}}, spec: ${spec(cpu, more)}}`;
const onHost = ", nodeName: host1";

/** A job, and the words by which its pods name it. */
async function addJob(more: string): Promise<string> {
  const text = `{apiVersion: batch/v1, kind: Job, metadata: {name: train, namespace: default}, spec: {completions: 9, parallelism: 9, template: {spec: ${spec("1")}}${more}}}`;
  const { uid = "" } = (await bench.api.create(objectOf(text))).object.metadata ?? {};
  return `, ownerReferences: [{apiVersion: batch/v1, kind: Job, name: train, uid: ${uid}, controller: true}]`;
}

const started = (name: string, at: string, more = ""): Promise<void> =>
  writeStatus(
    bench,
    `{apiVersion: v1, kind: Pod, metadata: {name: ${name}, namespace: default}, status: {phase: Running, startTime: "${at}"${more}}}`,
  );

describe("when", () => {
  beforeEach(async () => {
    bench = await openTsctlBench();
    await bench.api.create(objectOf("{apiVersion: v1, kind: Node, metadata: {name: host1}}"));
    await writeStatus(
      bench,
      '{apiVersion: v1, kind: Node, metadata: {name: host1}, status: {allocatable: {cpu: "4", memory: 8Gi}, conditions: [{type: Ready, status: "True"}]}}',
    );
  });

  test("a pod that a node takes gets it now", async () => {
    await bench.api.create(objectOf(pod("a", "1")));
    expect(await succeed(bench, "when a")).toBe("pod/a: number 1 of 1 pod that waits\n  gets a node now: host1\n");
  });

  test("a pod group gets its nodes at once, and a pod behind a quota when who uses it ends", async () => {
    await bench.api.create(
      objectOf("{apiVersion: tallship.dev/v1, kind: Queue, metadata: {name: small}, spec: {quota: {cpu: 2}}}"),
    );
    await bench.api.create(
      objectOf(
        "{apiVersion: tallship.dev/v1, kind: PodGroup, metadata: {name: ring, namespace: default}, spec: {minMember: 2}}",
      ),
    );
    const labelled = (name: string, cpu: string, label: string, more = ""): string =>
      pod(name, cpu, more, `, labels: {${label}}`);
    await bench.api.create(
      objectOf(labelled("user", "2", "tallship.dev/queue: small", `${onHost}, activeDeadlineSeconds: 60`)),
    );
    await started("user", "2023-11-14T22:13:00Z");
    for (const name of ["a", "b"])
      await bench.api.create(objectOf(labelled(name, "1", "tallship.dev/pod-group: ring")));
    await bench.api.create(objectOf(labelled("next", "1", "tallship.dev/queue: small")));
    expect(await succeed(bench, "when b")).toContain("gets a node now: host1");
    expect(await succeed(bench, "when next")).toMatch(
      /^pod\/next: number 3 of 3 pods that wait, number 1 of 1 in queue small\n/,
    );
    expect(await succeed(bench, "when pod next")).toMatch(/pod default\/user ends by its deadline of 60s/);
    await bench.api.create(objectOf(labelled("never", "3", "tallship.dev/queue: small")));
    expect(await succeed(bench, "when never")).toContain('not known: it waits for quota of queue "small"');
  });

  test("a pod whose quota others have borrowed gets its node once they have given it back within their grace", async () => {
    for (const [name, cpu] of Object.entries({ own: 2, guest: 0 }))
      await bench.api.create(
        objectOf(
          `{apiVersion: tallship.dev/v1, kind: Queue, metadata: {name: ${name}}, spec: {cohort: lab, quota: {cpu: ${cpu}}}}`,
        ),
      );
    const labelled = (name: string, queue: string, more = ""): string =>
      pod(name, "1", more, `, labels: {tallship.dev/queue: ${queue}}`);
    for (const name of ["g1", "g2"])
      await bench.api.create(objectOf(labelled(name, "guest", `${onHost}, terminationGracePeriodSeconds: 20`)));
    await bench.api.create(objectOf(labelled("next", "own")));
    expect(await succeed(bench, "when next")).toMatch(
      /^pod\/next: number 1 of 1 pod that waits, number 1 of 1 in queue own\n {2}gets a node in about 20s, at \S+: host1\n {2}if:\n {4}queue own takes back what it has lent\n$/,
    );
    await bench.api.create(objectOf(labelled("beyond", "guest")));
    expect(await succeed(bench, "when beyond")).toContain('not known: it waits for quota of queue "guest"');
  });

  test("pods of a group that is left without enough end with the one that makes room", async () => {
    await bench.api.create(
      objectOf(
        "{apiVersion: tallship.dev/v1, kind: PodGroup, metadata: {name: ring, namespace: default}, spec: {minMember: 2}}",
      ),
    );
    await bench.api.create(
      objectOf("{apiVersion: scheduling.k8s.io/v1, kind: PriorityClass, metadata: {name: high}, value: 9}"),
    );
    for (const [name, graceS] of [
      ["r1", 10],
      ["r2", 30],
    ] as const)
      await bench.api.create(
        objectOf(
          pod(
            name,
            "2",
            `${onHost}, terminationGracePeriodSeconds: ${graceS}`,
            ", labels: {tallship.dev/pod-group: ring}",
          ),
        ),
      );
    await bench.api.create(objectOf(pod("vip", "1", ", priorityClassName: high")));
    await bench.api.create(objectOf(pod("next", "3")));
    // Its room is that of both, the second of which nobody has asked for.
    expect(await succeed(bench, "when next")).toMatch(/gets a node in about 30s/);
  });

  test("of a workload all its pods that wait are told of, and of none that none waits", async () => {
    const owner = await addJob("");
    const { spec: job } = JSON.parse(await succeed(bench, "get job train -o json"));
    const labels = Object.entries(job.selector.matchLabels).map(([name, value]) => `${name}: "${value}"`);
    expect(await succeed(bench, "when job/train")).toBe(
      "job.batch/train: no pod waits for a node, 9 are yet to be made\n",
    );
    for (const name of ["train-1", "train-2"])
      await bench.api.create(objectOf(pod(name, "1", "", `${owner}, labels: {${labels.join(", ")}}`)));
    await bench.api.create(objectOf(pod("other", "1")));
    expect(await succeed(bench, "when job train")).toBe(
      "pod/train-1: number 2 of 3 pods that wait\n  gets a node now: host1\npod/train-2: number 3 of 3 pods that wait\n  gets a node now: host1\n",
    );
  });

  test("a pod behind a job waits for its deadline, and the one behind it for its own job mates' time", async () => {
    const owner = await addJob(", activeDeadlineSeconds: 600");
    await bench.api.create(objectOf(pod("train-1", "4", onHost, owner)));
    await started("train-1", "2023-11-14T22:11:40Z");
    await bench.api.create(objectOf(pod("first", "3", ", activeDeadlineSeconds: 60")));
    await bench.api.clock.advance(1_000);
    await bench.api.create(objectOf(pod("second", "3")));
    const text = await succeed(bench, "when pod/second");
    expect(text).toBe(
      [
        "pod/second: number 2 of 2 pods that wait",
        "  gets a node in about 9m19s, at 2023-11-14T22:22:40Z: host1",
        "  if:",
        "    job default/train ends by its deadline of 600s",
        "    pod default/first ends by its deadline of 60s",
        "",
      ].join("\n"),
    );
    expect(await succeed(bench, "get pods -o jsonpath={.items[*].spec.nodeName}")).toBe("host1");
  });

  test("pods of a job take as long as others of it did", async () => {
    const owner = await addJob("");
    await bench.api.create(objectOf(pod("train-0", "4", onHost, owner)));
    const end =
      "containerStatuses: [{name: main, state: {terminated: {exitCode: 0, finishedAt: 2023-11-14T22:02:00Z}}}]";
    await writeStatus(
      bench,
      `{apiVersion: v1, kind: Pod, metadata: {name: train-0, namespace: default}, status: {phase: Succeeded, startTime: "2023-11-14T22:00:00Z", ${end}}}`,
    );
    await bench.api.create(objectOf(pod("train-1", "4", onHost, owner)));
    await started("train-1", "2023-11-14T22:13:00Z");
    await bench.api.create(objectOf(pod("next", "2")));
    const text = await succeed(bench, "when next");
    expect(text).toContain("gets a node in about 100s, at 2023-11-14T22:15:00Z: host1\n");
    expect(text).toContain("    pods of job default/train take 120s, as the one that has ended did\n");
  });

  test("what nobody says is not known", async () => {
    await bench.api.create(objectOf(pod("forever", "4", onHost)));
    await started("forever", "2023-11-14T22:00:00Z");
    await bench.api.create(objectOf(pod("a", "1")));
    expect(await succeed(bench, "when a")).toBe(
      "pod/a: number 1 of 1 pod that waits\n  when it gets a node is not known: what is known to end does not make enough room, and 1 pod that runs does not say when it ends\n",
    );
    await bench.run(["delete", "pod", "forever", "--wait=false", "--grace-period=20"]);
    expect(await succeed(bench, "when a")).toContain("in about 20s");
  });

  test("pods that files would make, behind those that wait", async () => {
    await bench.api.create(objectOf(pod("a", "3")));
    bench.files.set("b.yaml", pod("b", "1"));
    expect(await succeed(bench, "when -f b.yaml")).toBe(
      "pod/b: number 2 of 2 pods that wait\n  gets a node now: host1\n",
    );
    expect((await bench.run(["get", "pod", "b"])).code).toBe(3);
  });

  const refused = [
    { line: "when", code: 2, err: "name a pod or a workload, or files with -f" },
    { line: "when a b", code: 2, err: 'unknown type "a"' },
    { line: "when none", code: 3, err: "there is none" },
  ];
  test.each(refused)("$line", (row) => fail(bench, row));
});
