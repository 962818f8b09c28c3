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

test("stop suspends a task that runs; start resumes it and waits for its pod, not for what its status said before", async () => {
  bench = await openTsctlBench();
  bench.files.set("compose.yaml", "services: {prep: {image: 'prep:1', deploy: {mode: replicated-job}}}\n");
  await succeed(bench, "create namespace shop");
  expect(
    await bench.run(["apply", "-f", "compose.yaml", "-n", "shop"], { env: { PWD: "/home/ann/shop" } }),
  ).toMatchObject({ code: 0 });
  const isSuspended = (): Promise<string> => succeed(bench, "get job prep -n shop -o jsonpath={.spec.suspend}");
  const compose = (verb: string) => bench.start(["compose", "-p", "shop", verb]);
  expect(await compose("stop").ended).toMatchObject({ code: 0, err: " Job prep  Stopping\n Job prep  Stopped\n" });
  expect(await isSuspended()).toBe("true");
  await report("Job", "prep", SUSPENDED);
  const starting = compose("start");
  await until(starting, " Job prep  Starting\n");
  expect(await isSuspended()).toBe("false");
  const labels = `{${PROJECT_LABEL}: shop, ${SERVICE_LABEL}: prep}`;
  await bench.api.create(
    objectOf(
      `{apiVersion: v1, kind: Pod, metadata: {name: prep-1, namespace: shop, labels: ${labels}}, spec: {containers: [{name: prep, image: "prep:1"}]}}`,
    ),
  );
  await report("Pod", "prep-1", RUNNING);
  await report("Job", "prep", "active: 1");
  expect(await starting.ended).toMatchObject({ code: 0, err: expect.stringMatching(/ Pod prep-1 {2}Started\n$/) });
});
