import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openTsctlBench, type TsctlBench } from "../../test/kit/tsctl-bench.js";
import { fail, objectOf, succeed, until, WEB, writeStatus } from "../../test/kit/tsctl-steps.js";
import { rolloutState } from "./status.js";

let bench: TsctlBench;
afterEach(() => bench.close());

const webStatus = (generation: number, updated: number, available: number, more = ""): string =>
  `{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: default}, status: {observedGeneration: ${generation}, replicas: 2, updatedReplicas: ${updated}, availableReplicas: ${available}${more}}}`;

/** A replica set of the deployment as its controller makes one. */
async function revision(number: number, image: string, more = ""): Promise<void> {
  const uid = await succeed(bench, "get deploy web -o jsonpath={.metadata.uid}");
  await bench.api.create(
    objectOf(
      `{apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: web-${number}, namespace: default, annotations: {deployment.kubernetes.io/revision: "${number}"${more}}, ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: web, uid: ${uid}, controller: true}]}, spec: {replicas: 0, selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web, pod-template-hash: h${number}}}, spec: {containers: [{name: main, image: "${image}", envFrom: [{configMapRef: {name: conf}}]}]}}}}`,
    ),
  );
}

describe("rollout", () => {
  beforeEach(async () => {
    bench = await openTsctlBench();
    await bench.api.create(objectOf(WEB));
  });

  test("status tells each step until the roll-out is through", async () => {
    const running = bench.start(["rollout", "status", "deploy/web"]);
    await until(running, "Waiting for deployment spec update to be observed...\n");
    await writeStatus(bench, webStatus(1, 1, 0));
    await until(running, "rollout to finish: 1 out of 2 new replicas have been updated...\n");
    await writeStatus(bench, webStatus(1, 2, 1));
    await until(running, "1 of 2 updated replicas are available...\n");
    await writeStatus(bench, webStatus(1, 2, 2));
    const { code, out } = await running.ended;
    expect(out.endsWith('deployment "web" successfully rolled out\n')).toBe(true);
    expect(code).toBe(0);
  });

  test("status of a failed roll-out ends with 1 and the reason, one that takes too long with 8", async () => {
    const failure =
      ', conditions: [{type: Progressing, status: "False", reason: ProgressDeadlineExceeded, message: late}]';
    await writeStatus(bench, webStatus(1, 2, 1));
    const waiting = bench.start(["rollout", "status", "deploy/web", "--timeout=3s"]);
    await until(waiting, "1 of 2");
    await bench.api.clock.advance(3_500);
    expect((await waiting.ended).code).toBe(8);
    expect((await bench.run(["rollout", "status", "deploy/web", "--watch=false"])).code).toBe(0);
    await writeStatus(bench, webStatus(1, 2, 1, failure));
    const { code, err } = await bench.run(["rollout", "status", "deploy", "web"]);
    expect(err).toContain('error: deployment "web" exceeded its progress deadline\n');
    expect(code).toBe(1);
  });

  test("history lists revisions with their causes and shows one", async () => {
    await revision(2, "i:2", ", kubernetes.io/change-cause: newer");
    await revision(1, "i:1");
    expect(await succeed(bench, "rollout history deploy/web")).toBe(
      "deployment.apps/web \nREVISION   CHANGE-CAUSE\n1          <none>\n2          newer\n\n",
    );
    const one = await succeed(bench, "rollout history deploy/web --revision=2");
    expect(one).toContain("deployment.apps/web with revision #2\nPod Template:\n  Labels:");
    expect(one).toMatch(/Image: +i:2/);
    expect(one).not.toContain("pod-template-hash");
  });

  test("status waits for the change of a config that pods take by environment, history names it, and a revision shows what it held", async () => {
    const config = (name: string, word: string) =>
      bench.api.create(
        objectOf(
          `{apiVersion: v1, kind: ConfigMap, metadata: {name: ${name}, namespace: default}, data: {A: ${word}}}`,
        ),
      );
    const pinned = (copy: string) => `, tallship.dev/config-pins: ConfigMap/conf=${copy}`;
    await config("conf-1", "one");
    await config("conf-2", "two");
    await config("conf", "two");
    await revision(1, "i:1", pinned("conf-1"));
    await writeStatus(bench, webStatus(1, 2, 2));
    const running = bench.start(["rollout", "status", "deploy/web"]);
    await until(running, "Waiting for the change of configmap/conf to be observed...\n");
    await revision(2, "i:1", pinned("conf-2"));
    expect((await running.ended).out).toMatch(/successfully rolled out\n$/);
    expect(await succeed(bench, "rollout history deploy/web")).toContain("2          configmap/conf changed\n");
    expect(await succeed(bench, "rollout history deploy/web --revision=1")).toContain(
      "Configs:\n  configmap/conf:\n    A:  one\n",
    );
  });

  test("undo brings the template of the revision before, or of the one named, back", async () => {
    await succeed(bench, "set image deploy/web main=i:3");
    for (const number of [1, 2, 3]) await revision(number, `i:${number}`);
    const image = "get deploy web -o jsonpath={.spec.template.spec.containers[0].image}";
    expect(await succeed(bench, "rollout undo deploy/web")).toBe("deployment.apps/web rolled back\n");
    expect(await succeed(bench, image)).toBe("i:2");
    await succeed(bench, "rollout undo deploy web --to-revision=1");
    expect(await succeed(bench, image)).toBe("i:1");
    expect(await succeed(bench, "rollout undo deploy web --to-revision=1")).toContain(
      "skipped rollback (current template",
    );
    expect(await succeed(bench, "get deploy web -o jsonpath={.spec.template.metadata.labels}")).toBe('{"app":"web"}');
  });

  test("undo names the revision whose content is to come back when that is all that differs", async () => {
    await revision(1, "i:1", ", tallship.dev/config-pins: ConfigMap/c=c-1");
    await revision(2, "i:1", ", tallship.dev/config-pins: ConfigMap/c=c-2");
    await succeed(bench, "set image deploy/web main=i:1");
    expect(await succeed(bench, "rollout undo deploy/web")).toBe("deployment.apps/web rolled back\n");
    const annotations = "get deploy web -o jsonpath={.metadata.annotations}";
    expect(await succeed(bench, annotations)).toBe('{"tallship.dev/undone-to":"web-1"}');
    expect(await succeed(bench, "rollout undo deploy/web --to-revision=2")).toContain("skipped rollback");
  });

  test("pause, resume and restart", async () => {
    expect(await succeed(bench, "rollout pause deploy/web")).toBe("deployment.apps/web paused\n");
    await fail(bench, { line: "rollout pause deploy/web", code: 1, err: 'deployments.apps "web" is already paused' });
    await fail(bench, { line: "rollout restart deploy/web", code: 1, err: "can't restart paused deployment" });
    expect(await succeed(bench, "rollout resume deploy/web")).toBe("deployment.apps/web resumed\n");
    expect(await succeed(bench, "rollout restart deploy")).toBe("deployment.apps/web restarted\n");
    expect(await succeed(bench, "get deploy web -o jsonpath={.spec.template.metadata.annotations}")).toContain(
      '"kubectl.kubernetes.io/restartedAt":"',
    );
  });

  const refused = [
    { line: "rollout undo deploy/web", code: 1, err: 'no rollout history found for deployments "web"' },
    { line: "rollout history deploy/web --revision=9", code: 3, err: "unable to find revision 9" },
    { line: "rollout restart pod/a", code: 2, err: "rollout restart does not work on pods, only on deployments" },
    { line: "rollout status deploy/none", code: 3, err: "does not exist" },
    { line: "rollout", code: 2, err: "tsctl rollout status" },
  ];
  test.each(refused)("$line", (row) => fail(bench, row));
});

describe("status of other kinds, in kubectl's words", () => {
  const rows = [
    {
      text: "{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: d, generation: 1}, status: {observedGeneration: 1, desiredNumberScheduled: 3, updatedNumberScheduled: 1}}",
      want: 'Waiting for daemon set "d" rollout to finish: 1 out of 3 new pods have been updated...',
    },
    {
      text: "{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: d, generation: 1}, status: {observedGeneration: 1, desiredNumberScheduled: 3, updatedNumberScheduled: 3, numberAvailable: 3}}",
      want: 'daemon set "d" successfully rolled out',
    },
    {
      text: "{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: s, generation: 1}, spec: {replicas: 3}, status: {observedGeneration: 1, readyReplicas: 2}}",
      want: "Waiting for 1 pods to be ready...",
    },
    {
      text: "{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: s, generation: 1}, spec: {replicas: 2}, status: {observedGeneration: 1, readyReplicas: 2, updatedReplicas: 1, updateRevision: b, currentRevision: a}}",
      want: "waiting for statefulset rolling update to complete 1 pods at revision b...",
    },
  ];
  test.each(rows)("$want", ({ text, want }) => {
    expect(rolloutState(objectOf(text)).text).toBe(want);
  });
});
