import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openTsctlBench, type TsctlBench } from "../../test/kit/tsctl-bench.js";
import { objectOf, podText, until, WEB, writeStatus } from "../../test/kit/tsctl-steps.js";

let bench: TsctlBench;
afterEach(() => bench.close());

describe("apply --wait", () => {
  const status = (text: string): string =>
    WEB.replace(/spec: \{replicas.*$/, `status: {observedGeneration: 1, ${text}}}`);

  beforeEach(async () => {
    bench = await openTsctlBench();
    bench.files.set("web.yaml", WEB);
  });

  test("tells each step and ends once everything is ready", async () => {
    const running = bench.start(["apply", "-f", "web.yaml", "--wait"]);
    await until(running, "deployment.apps/web not ready: the change has not been seen yet");
    await writeStatus(bench, status("replicas: 2, updatedReplicas: 2, availableReplicas: 1"));
    await until(running, "1 of 2 pods available");
    await writeStatus(bench, status("replicas: 2, updatedReplicas: 2, availableReplicas: 2"));
    const { code, err } = await running.ended;
    expect(code).toBe(0);
    expect(err).toMatch(/deployment.apps\/web ready\n$/);
  });

  test("gives up in time, with the reasons of the pods", async () => {
    const running = bench.start(["apply", "-f", "web.yaml", "--wait", "--timeout", "30s"]);
    await until(running, "not been seen yet");
    const [deployment] = await bench.api.list({ kind: "Deployment" });
    const owner = (kind: string, name: string, uid: string | undefined): string =>
      `, ownerReferences: [{apiVersion: apps/v1, kind: ${kind}, name: ${name}, uid: "${uid}", controller: true}]`;
    const set = await bench.api.create(
      objectOf(
        WEB.replace("kind: Deployment", "kind: ReplicaSet").replace(
          "name: web, namespace: default",
          `name: web-1, namespace: default${owner("Deployment", "web", deployment?.object.metadata?.uid)}`,
        ),
      ),
    );
    await bench.api.create(
      objectOf(
        podText("web-1-a", owner("ReplicaSet", "web-1", set.object.metadata?.uid)).replace("nodeName: host1, ", ""),
      ),
    );
    await writeStatus(
      bench,
      '{apiVersion: v1, kind: Pod, metadata: {name: web-1-a, namespace: default}, status: {phase: Pending, conditions: [{type: PodScheduled, status: "False", message: "0/3 nodes: 3 insufficient memory"}]}}',
    );
    await bench.api.create(objectOf(podText("web-1-b", owner("ReplicaSet", "web-1", set.object.metadata?.uid))));
    await writeStatus(
      bench,
      "{apiVersion: v1, kind: Pod, metadata: {name: web-1-b, namespace: default}, status: {phase: Running, containerStatuses: [{name: main, ready: true, state: {running: {}}}, {name: side, state: {running: {}}}]}}",
    );
    await bench.api.clock.advance(31_000);
    const { code, err } = await running.ended;
    expect(code).toBe(8);
    expect(err).toContain("error: not ready after 30 s\n");
    expect(err).toContain("    1 pod: not scheduled: 0/3 nodes: 3 insufficient memory\n");
    expect(err).toContain("    1 pod: container side runs and is not ready (tsctl describe tells");
  });
});
