import { expect, test } from "vitest";
import { decodeDocument } from "../decode.js";
import { parseYaml } from "../yaml/parse.js";
import { cells, headings } from "./columns.js";

function row(text: string, isWide = false): readonly string[] {
  const source = { name: "x", text };
  const [object] = parseYaml(source).documents.flatMap((root) => decodeDocument(root, source).objects);
  if (object === undefined) throw new Error("no object");
  return cells(object.typed, { isWide, nowMs: Date.parse("2026-01-31T12:00:00Z") });
}

const META = 'metadata: {name: x, namespace: d, creationTimestamp: "2026-01-31T11:59:15Z"}';
const job = (spec: string, status: string): readonly string[] =>
  row(`{apiVersion: batch/v1, kind: Job, ${META}, spec: {${spec}}, status: {${status}}}`);
const START = 'startTime: "2026-01-31T11:59:30Z"';

test("the headings are kubectl's", () => {
  expect(
    [headings("DaemonSet", true), headings("Job", true), headings("CronJob", true)].map((names) => names.join(" ")),
  ).toEqual([
    "NAME DESIRED CURRENT READY UP-TO-DATE AVAILABLE NODE SELECTOR AGE CONTAINERS IMAGES SELECTOR",
    "NAME STATUS COMPLETIONS DURATION AGE CONTAINERS IMAGES SELECTOR",
    "NAME SCHEDULE TIMEZONE SUSPEND ACTIVE LAST SCHEDULE AGE CONTAINERS IMAGES SELECTOR",
  ]);
});

const rows = [
  { name: "new", spec: "completions: 1", status: "", want: ["x", "Running", "0/1", "<none>", "45s"] },
  {
    name: "running",
    spec: "completions: 3",
    status: `${START}, succeeded: 1`,
    want: ["x", "Running", "1/3", "30s", "45s"],
  },
  {
    name: "complete",
    spec: "completions: 3",
    status: `${START}, completionTime: "2026-01-31T11:59:35Z", succeeded: 3, conditions: [{type: Complete, status: "True"}]`,
    want: ["x", "Complete", "3/3", "5s", "45s"],
  },
  {
    name: "failed",
    spec: "completions: 1",
    status: `${START}, conditions: [{type: FailureTarget, status: "True"}, {type: Failed, status: "True"}]`,
    want: ["x", "Failed", "0/1", "30s", "45s"],
  },
  {
    name: "suspended",
    spec: "completions: 1",
    status: 'conditions: [{type: Suspended, status: "True"}]',
    want: ["x", "Suspended", "0/1", "<none>", "45s"],
  },
  // A work queue: one success is enough.
  { name: "queue", spec: "parallelism: 4", status: START, want: ["x", "Running", "0/1 of 4", "30s", "45s"] },
];
test.each(rows)("a job that is $name", ({ spec, status, want }) => {
  expect(job(spec, status)).toEqual(want);
});

test("daemon sets, cron jobs and revisions", () => {
  expect(
    row(
      `{apiVersion: apps/v1, kind: DaemonSet, ${META}, spec: {template: {spec: {nodeSelector: {b: c, a: b}}}}, status: {desiredNumberScheduled: 5, currentNumberScheduled: 4, numberReady: 3, updatedNumberScheduled: 2, numberAvailable: 1}}`,
    ),
  ).toEqual(["x", "5", "4", "3", "2", "1", "a=b,b=c", "45s"]);
  expect(
    row(
      `{apiVersion: batch/v1, kind: CronJob, ${META}, spec: {schedule: "@daily", jobTemplate: {spec: {template: {spec: {containers: [{name: c, image: i}]}}}}}, status: {active: [{name: y}], lastScheduleTime: "2026-01-31T11:59:00Z"}}`,
      true,
    ),
  ).toEqual(["x", "@daily", "<none>", "False", "1", "60s", "45s", "c", "i", "<none>"]);
  const owner = "ownerReferences: [{apiVersion: apps/v1, kind: DaemonSet, name: web, uid: u, controller: true}]";
  expect(
    row(`{apiVersion: apps/v1, kind: ControllerRevision, ${META.replace("}", `, ${owner}}`)}, revision: 3}`),
  ).toEqual(["x", "daemonset.apps/web", "3", "45s"]);
});
