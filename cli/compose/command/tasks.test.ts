import { afterEach, expect, test } from "vitest";
import { openTsctlBench, type TsctlBench } from "../../../test/kit/tsctl-bench.js";
import { objectOf, succeed, until, writeStatus } from "../../../test/kit/tsctl-steps.js";
import { PROJECT_LABEL, SERVICE_LABEL } from "../translate/names.js";

let bench: TsctlBench;
afterEach(() => bench.close());

const SUSPENDED = "conditions: [{type: Suspended, status: 'True'}]";
const RUNNING =
  "phase: Running, containerStatuses: [{name: prep, state: {running: {startedAt: 2026-01-01T00:00:09Z}}}]";

const report = (kind: string, name: string, status: string): Promise<void> =>
  writeStatus(
    bench,
    `{apiVersion: ${kind === "Job" ? "batch/v1" : "v1"}, kind: ${kind}, metadata: {name: ${name}, namespace: shop}, status: {${status}}}`,
  );

/** A project with one task, prep. */
async function openTask(): Promise<void> {
  bench = await openTsctlBench();
  bench.files.set("compose.yaml", "services: {prep: {image: 'prep:1', deploy: {mode: replicated-job}}}\n");
  await succeed(bench, "create namespace shop");
  const applied = bench.run(["apply", "-f", "compose.yaml", "-n", "shop"], { env: { PWD: "/home/ann/shop" } });
  expect(await applied).toMatchObject({ code: 0 });
}

const isSuspended = (): Promise<string> => succeed(bench, "get job prep -n shop -o jsonpath={.spec.suspend}");
const grace = (): Promise<string> =>
  succeed(bench, "get job prep -n shop -o jsonpath={.metadata.annotations.tallship\\.dev/stopped}");
const uid = (): Promise<string> => succeed(bench, "get job prep -n shop -o jsonpath={.metadata.uid}");
const compose = (...words: readonly string[]) => bench.start(["compose", "-p", "shop", ...words]);

async function createPod(name: string): Promise<void> {
  const labels = `{${PROJECT_LABEL}: shop, ${SERVICE_LABEL}: prep}`;
  const text = `{apiVersion: v1, kind: Pod, metadata: {name: ${name}, namespace: shop, labels: ${labels}}, spec: {containers: [{name: prep, image: "prep:1"}]}}`;
  await bench.api.create(objectOf(text));
}

test("stop suspends a task that runs; start resumes it and waits for its pod, not for what its status said before", async () => {
  await openTask();
  expect(await compose("stop", "-t", "3").ended).toMatchObject({
    code: 0,
    err: " Job prep  Stopping\n Job prep  Stopped\n",
  });
  expect(await grace()).toBe("3");
  // Another stop may have more haste.
  await compose("kill").ended;
  expect(await grace()).toBe("0");
  expect(await isSuspended()).toBe("true");
  await report("Job", "prep", SUSPENDED);
  const starting = compose("start");
  await until(starting, " Job prep  Starting\n");
  expect(await isSuspended()).toBe("false");
  expect(await grace()).toBe("");
  await createPod("prep-1");
  await report("Pod", "prep-1", RUNNING);
  await report("Job", "prep", "active: 1");
  expect(await starting.ended).toMatchObject({ code: 0, err: expect.stringMatching(/ Pod prep-1 {2}Started\n$/) });
});

test("start has a task that has ended run again, and waits for its new pod; the same task without what was counted", async () => {
  await openTask();
  const before = await uid();
  await createPod("prep-1");
  await report("Pod", "prep-1", "phase: Succeeded");
  await report("Job", "prep", "succeeded: 1, conditions: [{type: Complete, status: 'True'}]");
  // What is there is as the files say: nothing was stopped.
  expect((await compose("stop").ended).err).toBe(" Job prep  Stopped\n");
  expect(await uid()).toBe(before);
  const starting = compose("start");
  await until(starting, " Job prep  Starting\n");
  const spec = await succeed(bench, "get job prep -n shop -o jsonpath={.spec.template.metadata.labels}{.status}");
  expect(spec).toContain(`"batch.kubernetes.io/controller-uid":"${await uid()}"`);
  expect(spec).not.toContain(before);
  expect(spec).not.toContain("Complete");
  await createPod("prep-2");
  await report("Pod", "prep-2", RUNNING);
  await report("Job", "prep", "active: 1");
  expect(await starting.ended).toMatchObject({ code: 0, err: " Job prep  Starting\n Pod prep-2  Started\n" });
});

test("restart ends a task that runs, and has it begin anew", async () => {
  await openTask();
  await createPod("prep-1");
  await report("Pod", "prep-1", RUNNING);
  await report("Job", "prep", "active: 1");
  const restarting = compose("restart", "-t", "2");
  await until(restarting, " Job prep  Stopping\n");
  expect([await isSuspended(), await grace()]).toEqual(["true", "2"]);
  await succeed(bench, "delete pod prep-1 -n shop --grace-period=0 --force -o name");
  await until(restarting, " Job prep  Starting\n");
  expect([await isSuspended(), await grace()]).toEqual(["false", ""]);
  await createPod("prep-2");
  await report("Pod", "prep-2", RUNNING);
  expect(await restarting.ended).toMatchObject({ code: 0, err: expect.stringMatching(/ Pod prep-2 {2}Started\n$/) });
});
