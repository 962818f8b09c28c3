import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openTsctlBench, type TsctlBench } from "../../test/kit/tsctl-bench.js";
import { fail, objectOf, succeed, writeStatus } from "../../test/kit/tsctl-steps.js";

let bench: TsctlBench;
afterEach(() => bench.close());

async function addNode(name: string, cpu: string): Promise<void> {
  await bench.api.create(objectOf(`{apiVersion: v1, kind: Node, metadata: {name: ${name}}}`));
  await writeStatus(
    bench,
    `{apiVersion: v1, kind: Node, metadata: {name: ${name}}, status: {allocatable: {cpu: "${cpu}", memory: 8Gi}, conditions: [{type: Ready, status: "True"}]}}`,
  );
}

const template = (cpu: string, more = ""): string =>
  `template: {metadata: {labels: {app: web}}, spec: {containers: [{name: main, image: i, resources: {requests: {cpu: ${cpu}}}}]${more}}}`;
const selector = "selector: {matchLabels: {app: web}}";
const deployment = (replicas: number, cpu: string, more = ""): string =>
  `{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: default}, spec: {replicas: ${replicas}, ${selector}, ${template(cpu, more)}}}`;

const planned = (text: string, ...flags: string[]) => {
  bench.files.set("set.yaml", text);
  return bench.run(["plan", "-f", "set.yaml", ...flags]);
};

describe("plan", () => {
  beforeEach(async () => {
    bench = await openTsctlBench();
    await addNode("host1", "4");
    await addNode("host2", "2");
  });

  test("shows where pods would run, node by node, and writes nothing", async () => {
    const { code, out, err } = await planned(deployment(3, "1"));
    expect(err).toBe("");
    expect(out).toBe(
      "OBJECT                PODS   NODE    NOTE\ndeployment.apps/web   2      host1\ndeployment.apps/web   1      host2\n3 pods planned; nothing was written\n",
    );
    expect(code).toBe(0);
    expect((await bench.run(["get", "deploy,pods"])).out).toBe("");
  });

  test("what would not fit is told with its reasons, and fails", async () => {
    const { code, out } = await planned(deployment(4, "2"));
    expect(out).toContain("deployment.apps/web   1      <none>   0/2 nodes: 2 insufficient cpu (short by 2 at best)\n");
    expect(out).toContain("4 pods planned, 3 would run, 1 would not; nothing was written\n");
    expect(code).toBe(1);
  });

  test("an object that stands: only what is new is planned, and a roll-out is shown at its end", async () => {
    await bench.api.create(objectOf(deployment(1, "1")));
    const { uid = "" } = (await bench.api.get("Deployment", "default", "web"))?.object.metadata ?? {};
    const owned = (kind: string, name: string, of: string): string =>
      `ownerReferences: [{apiVersion: apps/v1, kind: ${kind}, name: ${name}, uid: ${of}, controller: true}]`;
    const set = await bench.api.create(
      objectOf(
        `{apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: web-1, namespace: default, ${owned("Deployment", "web", uid)}}, spec: {replicas: 1, ${selector}, ${template("1")}}}`,
      ),
    );
    await bench.api.create(
      objectOf(
        `{apiVersion: v1, kind: Pod, metadata: {name: web-1-a, namespace: default, labels: {app: web}, ${owned("ReplicaSet", "web-1", set.object.metadata?.uid ?? "")}}, spec: {nodeName: host1, containers: [{name: main, image: i, resources: {requests: {cpu: "4"}}}]}}`,
      ),
    );
    expect((await planned(deployment(3, "1"))).out).toMatch(/^deployment.apps\/web {3}2 {6}host2\n2 pods planned/m);
    const rolled = await planned(deployment(1, "3"));
    expect(rolled.out).toContain("deployment.apps/web   1      host1\n");
    expect(rolled.out).toContain("deployment.apps/web rolls: its 1 pod of now are taken as gone\n");
    expect((await planned(deployment(1, "1"))).out).toBe("0 pods planned; nothing was written\n");
  });

  test("pods of lower priority that would have to go are named", async () => {
    const high = "{apiVersion: scheduling.k8s.io/v1, kind: PriorityClass, metadata: {name: high}, value: 1000}";
    await bench.api.create(
      objectOf(
        '{apiVersion: v1, kind: Pod, metadata: {name: low, namespace: default}, spec: {nodeName: host1, containers: [{name: m, image: i, resources: {requests: {cpu: "3"}}}]}}',
      ),
    );
    const { code, out } = await planned(`${high}\n---\n${deployment(1, "3", ", priorityClassName: high")}`);
    expect(out).toContain("deployment.apps/web   1      host1   after preempting default/low (priority 0)\n");
    expect(code).toBe(0);
  });

  test("what is left of a pod group of which one would have to go is named too", async () => {
    const group =
      "{apiVersion: tallship.dev/v1, kind: PodGroup, metadata: {name: ring, namespace: default}, spec: {minMember: 2}}";
    await bench.api.create(objectOf(group));
    const member = (name: string, host: string): string =>
      `{apiVersion: v1, kind: Pod, metadata: {name: ${name}, namespace: default, labels: {tallship.dev/pod-group: ring}}, spec: {nodeName: ${host}, containers: [{name: m, image: i, resources: {requests: {cpu: "2"}}}]}}`;
    for (const [name, host] of [
      ["r1", "host1"],
      ["r2", "host2"],
    ] as const)
      await bench.api.create(objectOf(member(name, host)));
    const high = "{apiVersion: scheduling.k8s.io/v1, kind: PriorityClass, metadata: {name: high}, value: 1000}";
    const { out } = await planned(`${high}\n---\n${deployment(1, "3", ", priorityClassName: high")}`);
    expect(out).toContain("host1   after preempting default/r1 (priority 0), default/r2 (priority 0)\n");
  });

  test("a gang that does not fit is told how many nodes would take one of it", async () => {
    const { out } = await planned(
      `{apiVersion: batch/v1, kind: Job, metadata: {name: ring, namespace: default, annotations: {tallship.dev/gang: all}}, spec: {parallelism: 2, completions: 2, ${template("3", ", restartPolicy: Never")}}}`,
    );
    expect(out).toContain(
      'pod group "ring" needs nodes for 2 more pods at once; each: 1/2 nodes: 1 insufficient cpu (short by 1 at best)\n',
    );
  });

  test("pods on borrowed quota that would have to go are named, and what replaces them waits", async () => {
    const queue = (name: string, cpu: string): string =>
      `{apiVersion: tallship.dev/v1, kind: Queue, metadata: {name: ${name}}, spec: {cohort: lab, quota: {cpu: ${cpu}}}}`;
    await bench.api.create(objectOf(queue("own", "2")));
    await bench.api.create(objectOf(queue("guest", "1")));
    for (const name of ["g1", "g2", "g3"])
      await bench.api.create(
        objectOf(
          `{apiVersion: v1, kind: Pod, metadata: {name: ${name}, namespace: default, labels: {tallship.dev/queue: guest}}, spec: {nodeName: host1, containers: [{name: m, image: i, resources: {requests: {cpu: "1"}}}]}}`,
        ),
      );
    const queued = (replicas: number): string =>
      deployment(replicas, "1").replace(
        "{labels: {app: web}}, spec: {containers",
        "{labels: {app: web, tallship.dev/queue: own}}, spec: {containers",
      );
    const { code, out } = await planned(queued(1));
    expect(out).toMatch(/^deployment.apps\/web {3}1 {6}host\d {3}after preempting default\/g\d \(priority 0\)$/m);
    expect(code).toBe(0);
    const more = await planned(queued(3));
    expect(more.out.match(/after preempting default\/g\d/g)).toHaveLength(2);
    expect(more.out).toContain('<none>   it waits for quota of queue "own"');
  });

  test("what a quota would refuse is told, and fails", async () => {
    await bench.api.create(
      objectOf(
        '{apiVersion: v1, kind: ResourceQuota, metadata: {name: q, namespace: default}, spec: {hard: {pods: "2"}}}',
      ),
    );
    const { code, out } = await planned(deployment(3, "100m"));
    expect(out).toContain("deployment.apps/web 1 pod would not be made: Error creating:");
    expect(out).toContain("exceeded quota: q");
    expect(out).toContain("2 pods planned;");
    expect(code).toBe(1);
  });

  test("stateful sets with their claims, daemon sets, jobs, bare pods, and what makes no pods", async () => {
    const set = [
      "{apiVersion: v1, kind: ConfigMap, metadata: {name: c}}",
      `{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: db}, spec: {serviceName: db, replicas: 2, ${selector}, ${template("100m")}, volumeClaimTemplates: [{metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}]}}`,
      `{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: logs}, spec: {${selector}, ${template("100m")}}}`,
      `{apiVersion: batch/v1, kind: Job, metadata: {name: work}, spec: {completions: 5, parallelism: 2, ${template("100m", ", restartPolicy: Never")}}}`,
      "{apiVersion: v1, kind: Pod, metadata: {name: lone}, spec: {containers: [{name: m, image: i}], volumes: [{name: v, persistentVolumeClaim: {claimName: own}}]}}",
      "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: own}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}",
      `{apiVersion: batch/v1, kind: CronJob, metadata: {name: nightly}, spec: {schedule: "0 3 * * *", jobTemplate: {spec: {${template("100m", ", restartPolicy: Never")}}}}}`,
    ].join("\n---\n");
    const { code, out, err } = await planned(set, "-o", "wide");
    expect(err).not.toContain("error");
    expect(out).toMatch(/^statefulset.apps\/db +db-0 +host\d$/m);
    expect(out).toMatch(/^statefulset.apps\/db +db-1 +host\d$/m);
    expect(out.match(/^daemonset.apps\/logs +logs-\w{5} +host[12]$/gm)).toHaveLength(2);
    expect(out.match(/^job.batch\/work +work-\w{5} +host\d$/gm)).toHaveLength(2);
    expect(out).toContain("job.batch/work 3 more of its pods come as these end");
    expect(out).toMatch(/^pod\/lone +lone +host\d$/m);
    expect(out).toContain("cronjob.batch/nightly makes a job at each time of its schedule");
    expect(out).toContain("7 pods planned; nothing was written\n");
    expect(code).toBe(0);
  });

  test("a compose file is planned as it is", async () => {
    bench.files.set("shop/compose.yaml", "services:\n  web:\n    image: i\n    deploy: {replicas: 2}\n");
    const { out } = await bench.run(["plan", "-f", "shop/compose.yaml"]);
    expect(out.match(/^deployment.apps\/web +1 +host\d$/gm)).toHaveLength(2);
  });

  test("a set that an apply would refuse is refused", async () => {
    bench.files.set("set.yaml", "{apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: none}}");
    await fail(bench, { line: "plan -f set.yaml", code: 3, err: "namespace" });
    await fail(bench, { line: "plan", code: 2, err: "name the files" });
    bench.files.set("set.yaml", deployment(1_000_000_000, "1"));
    await fail(bench, { line: "plan -f set.yaml", code: 6, err: "1000000000 pods, at most 100000" });
  });

  test("pods that wait already go first, and count", async () => {
    await bench.api.create(
      objectOf(
        '{apiVersion: v1, kind: Pod, metadata: {name: first, namespace: default}, spec: {containers: [{name: m, image: i, resources: {requests: {cpu: "4"}}}]}}',
      ),
    );
    await bench.api.clock.advance(1_000);
    const { out } = await planned(deployment(1, "3"));
    expect(out).toContain("<none>");
    expect(out).toContain("1 pod of others waits too; nothing was written");
    expect(await succeed(bench, "get pod first -o jsonpath={.spec.nodeName}")).toBe("");
  });
});
