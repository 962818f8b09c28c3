import fc from "fast-check";
import { expect, test } from "vitest";
import { applyDefaults } from "../../../kinds/defaults/defaults.js";
import { metaOf } from "../../../kinds/object.js";
import { rfc3339 } from "../../../lib/clock.js";
import { CronJob } from "../../../proto/gen/tallship/v1/cronjob.js";
import { type Job, JobStatus } from "../../../proto/gen/tallship/v1/job.js";
import type { ControlWorld } from "../../../test/kit/control-world.js";
import { worldOfTest } from "../../../test/kit/world-of-test.js";
import { cronJob } from "./cron-job.js";
import { dueOf } from "./due.js";

type Spec = Parameters<typeof CronJob.fromPartial>[0]["spec"];

// The clock of these worlds begins at 2023-11-14T22:13:20Z.
const minute = 60_000;

function objectOf(spec: Spec, created = "2023-11-14T22:13:20Z"): CronJob {
  const template = { spec: { restartPolicy: "Never", containers: [{ name: "main", image: "tick:1" }] } };
  const object = CronJob.fromPartial({
    metadata: { name: "tick", namespace: "default", uid: "cron-uid", creationTimestamp: created },
    spec: {
      schedule: "*/5 * * * *",
      jobTemplate: { metadata: { labels: { app: "tick" } }, spec: { template } },
      ...spec,
    },
  });
  return applyDefaults<"CronJob">({ kind: "CronJob", object }).object;
}

class CronWorld {
  readonly control: ControlWorld;

  constructor(control: ControlWorld) {
    this.control = control;
    control.run([cronJob]);
  }

  async apply(spec: Spec): Promise<void> {
    const status = this.control.view.get("CronJob", "default", "tick")?.status;
    await this.control.put({ kind: "CronJob", object: { ...objectOf(spec), status } });
    await this.control.clock.advance(200);
  }

  jobs(): readonly Job[] {
    return this.control.view.list("Job").map(({ object }) => object);
  }

  names(): readonly string[] {
    return this.jobs().map((job) => metaOf(job).name);
  }

  status() {
    return this.control.view.get("CronJob", "default", "tick")?.status;
  }

  async end(name: string, type: "Complete" | "Failed"): Promise<void> {
    const at = rfc3339(this.control.clock.nowMs());
    const conditions = [{ type, status: "True", lastTransitionTime: at }];
    await this.control.edit("Job", name, (job) => ({
      ...job,
      status: JobStatus.fromPartial({
        conditions,
        startTime: metaOf(job).creationTimestamp,
        completionTime: type === "Complete" ? at : "",
      }),
    }));
    await this.control.clock.advance(200);
  }
}

async function opened(spec: Spec = {}): Promise<CronWorld> {
  const world = new CronWorld(await worldOfTest());
  await world.apply(spec);
  return world;
}

const nameAt = (time: string): string => `tick-${Date.parse(time) / minute}`;

test("a job at each time, at its very moment, named for it", async () => {
  const world = await opened();
  await world.control.clock.advance(99_000);
  expect(world.jobs()).toEqual([]);
  await world.control.clock.advance(1_000);
  expect(world.names()).toEqual([nameAt("2023-11-14T22:15:00Z")]);
  const [job] = world.jobs();
  expect(metaOf(job ?? {}).annotations).toEqual({
    "batch.kubernetes.io/cronjob-scheduled-timestamp": "2023-11-14T22:15:00Z",
  });
  expect(metaOf(job ?? {}).labels).toEqual({ app: "tick" });
  expect(metaOf(job ?? {}).ownerReferences[0]).toMatchObject({ kind: "CronJob", uid: "cron-uid", controller: true });
  expect(job?.spec?.selector?.matchLabels).toEqual({ "batch.kubernetes.io/controller-uid": metaOf(job ?? {}).uid });
  expect(job?.spec).toMatchObject({ parallelism: 1, completions: 1, backoffLimit: 6 });
  expect(world.status()).toMatchObject({
    lastScheduleTime: "2023-11-14T22:15:00Z",
    active: [{ name: world.names()[0] }],
  });
  await world.control.clock.advance(10 * minute);
  expect(world.names()).toHaveLength(3);
});

test("a finished job leaves the active ones; successes and failures are kept up to their limits", async () => {
  const world = await opened({ successfulJobsHistoryLimit: 2, failedJobsHistoryLimit: 1 });
  for (const type of ["Complete", "Failed", "Complete", "Failed", "Complete"] as const) {
    await world.control.clock.advance(5 * minute);
    await world.end(world.status()?.active[0]?.name ?? "", type);
  }
  expect(world.jobs().map((job) => job.status?.conditions[0]?.type)).toEqual(["Complete", "Failed", "Complete"]);
  expect(world.status()).toMatchObject({ active: [] });
  expect(world.status()?.lastSuccessfulTime).not.toBe("");
  expect(world.control.notices.map(({ reason }) => reason)).toContain("SawCompletedJob");
});

test("Forbid skips while a job runs, and makes the last time up when it has ended", async () => {
  const world = await opened({ concurrencyPolicy: "Forbid" });
  await world.control.clock.advance(13 * minute);
  expect(world.names()).toEqual([nameAt("2023-11-14T22:15:00Z")]);
  await world.end(world.names()[0] ?? "", "Complete");
  expect(world.names()).toContain(nameAt("2023-11-14T22:25:00Z"));
  expect(world.names()).toHaveLength(2);
});

test("Replace ends the job that runs", async () => {
  const world = await opened({ concurrencyPolicy: "Replace" });
  await world.control.clock.advance(7 * minute);
  expect(world.names()).toEqual([nameAt("2023-11-14T22:20:00Z")]);
  expect(world.status()?.active).toMatchObject([{ name: nameAt("2023-11-14T22:20:00Z") }]);
});

test("Allow lets them run side by side", async () => {
  const world = await opened({});
  await world.control.clock.advance(12 * minute);
  expect(world.status()?.active).toHaveLength(3);
});

test("a suspended cron job creates nothing; resumed it makes up for the last time within its deadline", async () => {
  const world = await opened({ suspend: true });
  await world.control.clock.advance(16 * minute);
  expect(world.jobs()).toEqual([]);
  await world.apply({ startingDeadlineSeconds: 30 });
  expect(world.jobs()).toEqual([]);
  await world.apply({ startingDeadlineSeconds: 600 });
  expect(world.names()).toEqual([nameAt("2023-11-14T22:25:00Z")]);
});

test("a controller that was away for long creates one job, and says so", async () => {
  const world = new CronWorld(await worldOfTest());
  await world.control.put({ kind: "CronJob", object: objectOf({}, "2023-11-01T00:00:00Z") });
  await world.control.clock.advance(200);
  expect(world.names()).toEqual([nameAt("2023-11-14T22:10:00Z")]);
  expect(world.control.notices.map(({ reason }) => reason)).toEqual(["TooManyMissedTimes", "SuccessfulCreate"]);
});

test("a time whose name is taken by somebody else's job is told and passed over", async () => {
  const world = await opened();
  const [name] = [nameAt("2023-11-14T22:15:00Z")];
  await world.control.clock.advance(90_000);
  const stranger = { ...(objectOf({}).spec?.jobTemplate ?? {}), metadata: { ...metaOf(objectOf({})), name } };
  await world.control.put({ kind: "Job", object: { spec: undefined, status: undefined, ...stranger } });
  await world.control.clock.advance(minute);
  expect(world.names()).toEqual([name]);
  expect(world.control.notices.map(({ reason }) => reason)).toContain("FailedCreate");
  expect(world.status()?.lastScheduleTime).toBe("2023-11-14T22:15:00Z");
});

test("jobs are not created twice when the wall clock was put back, nor early", () => {
  const done = {
    ...objectOf({}),
    status: { active: [], lastScheduleTime: "2023-11-14T22:15:00Z", lastSuccessfulTime: "" },
  };
  const due = dueOf(done, Date.parse("2023-11-14T21:47:00Z"));
  expect(due.atMs).toBeUndefined();
  expect(rfc3339(due.nextMs ?? 0)).toBe("2023-11-14T22:20:00Z");
});

test("whenever one looks, each time has at most one job and the last that passed has one", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 20 * minute }), { maxLength: 12 }), async (steps) => {
      const world = await opened({ successfulJobsHistoryLimit: 100 });
      for (const ms of steps) {
        await world.control.clock.advance(ms);
        for (const { name } of world.status()?.active ?? []) await world.end(name, "Complete");
      }
      const nowMs = world.control.clock.nowMs();
      const first = Date.parse("2023-11-14T22:15:00Z");
      const count = nowMs < first ? 0 : Math.floor((nowMs - first) / (5 * minute)) + 1;
      expect(world.names()).toHaveLength(count);
      expect(new Set(world.names()).size).toBe(count);
      world.control.stop.abort();
    }),
    { seed: 3, numRuns: 25 },
  );
});
