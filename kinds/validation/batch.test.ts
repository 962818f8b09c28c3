import { describe, expect, test } from "vitest";
import { decodeDocument } from "../decode.js";
import { applyDefaults } from "../defaults/defaults.js";
import { withOwnSelector } from "../job-selector.js";
import type { Typed } from "../object.js";
import { parseYaml } from "../yaml/parse.js";
import { validate } from "./validate.js";

function read(text: string): Typed {
  const source = { name: "x", text };
  const [object] = parseYaml(source).documents.flatMap((root) => decodeDocument(root, source).objects);
  if (object === undefined) throw new Error("no object");
  const { typed } = object;
  return applyDefaults(
    typed.kind === "Job" && typed.object.metadata?.uid ? { kind: "Job", object: withOwnSelector(typed.object) } : typed,
  );
}

function errors(text: string, previous?: string): readonly string[] {
  const found = validate(read(text), previous === undefined ? undefined : read(previous));
  return found.map(({ path, message }) => `${path}: ${message}`);
}

const POD = "{spec: {restartPolicy: Never, containers: [{name: c, image: i:1}]}}";
const job = (spec: string, template = POD, meta = "name: j, namespace: d, uid: u"): string =>
  `{apiVersion: batch/v1, kind: Job, metadata: {${meta}}, spec: {template: ${template}, ${spec}}}`;
const cronJob = (spec: string, name = "c"): string =>
  `{apiVersion: batch/v1, kind: CronJob, metadata: {name: ${name}, namespace: d}, spec: {jobTemplate: {spec: {template: ${POD}}}, ${spec}}}`;
const daemonSet = (spec: string): string =>
  `{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: d, namespace: d}, spec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: i:1}]}}, ${spec}}}`;

describe("what a job cannot be", () => {
  const rule = (text: string): string => `podFailurePolicy: {rules: [{${text}}]}`;
  const rows = [
    { name: "plain", text: job(""), want: [] },
    {
      name: "of pods that always run",
      text: job("", "{spec: {containers: [{name: c, image: i:1}]}}"),
      want: ['spec.template.spec.restartPolicy: want OnFailure or Never, found "Always"'],
    },
    {
      name: "indexed without completions",
      text: job("completionMode: Indexed, parallelism: 2"),
      want: ["spec.completions: completionMode Indexed needs this field"],
    },
    {
      name: "limited per index without indexes",
      text: job("backoffLimitPerIndex: 1"),
      want: ["spec.backoffLimitPerIndex: only with completionMode Indexed"],
    },
    {
      name: "of more failed indexes than indexes",
      text: job("completionMode: Indexed, completions: 2, backoffLimitPerIndex: 1, maxFailedIndexes: 3"),
      want: ["spec.maxFailedIndexes: want at most completions (2)"],
    },
    {
      name: "failing by two things in one rule",
      text: job(rule("action: Count, onExitCodes: {operator: In, values: [1]}, onPodConditions: [{type: a}]")),
      want: ["spec.podFailurePolicy.rules[0]: want only one of onExitCodes, onPodConditions"],
    },
    {
      name: "failing by success",
      text: job(rule("action: FailJob, onExitCodes: {operator: In, values: [0, 3]}")),
      want: ["spec.podFailurePolicy.rules[0].onExitCodes.values[0]: 0 is success, which no failed container ends with"],
    },
    {
      name: "failing by codes that are not in order",
      text: job(rule("action: FailJob, onExitCodes: {operator: In, values: [3, 2]}")),
      want: ["spec.podFailurePolicy.rules[0].onExitCodes.values[1]: want ascending numbers, each once"],
    },
    {
      name: "failing by a container that is not there",
      text: job(rule("action: FailJob, onExitCodes: {containerName: x, operator: In, values: [3]}")),
      want: ['spec.podFailurePolicy.rules[0].onExitCodes.containerName: the pod has no container "x"'],
    },
    {
      name: "failing an index without a limit per index",
      text: job(rule("action: FailIndex, onExitCodes: {operator: In, values: [3]}")),
      want: ["spec.podFailurePolicy.rules[0].action: FailIndex needs backoffLimitPerIndex"],
    },
    {
      name: "replaced too early for its failure policy",
      text: job(
        `${rule("action: Count, onExitCodes: {operator: In, values: [3]}")}, podReplacementPolicy: TerminatingOrFailed`,
      ),
      want: ["spec.podReplacementPolicy: want Failed when there is a podFailurePolicy"],
    },
    {
      name: "successful by indexes that it has not",
      text: job("completionMode: Indexed, completions: 3, successPolicy: {rules: [{succeededIndexes: 1-3}]}"),
      want: ['spec.successPolicy.rules[0].succeededIndexes: want ascending indexes below 3 such as 1,3-5, found "1-3"'],
    },
    {
      name: "successful by more than it has",
      text: job(
        "completionMode: Indexed, completions: 3, successPolicy: {rules: [{succeededIndexes: 0-1, succeededCount: 3}]}",
      ),
      want: ["spec.successPolicy.rules[0].succeededCount: want at most 2, found 3"],
    },
    {
      name: "selecting by itself",
      text: job("selector: {matchLabels: {a: b}}"),
      want: ["spec.selector: the server writes it, unless manualSelector is true: leave it out"],
    },
    {
      name: "selecting what its pods are not",
      text: job("manualSelector: true, selector: {matchLabels: {a: b}}"),
      want: ["spec.template.metadata.labels: spec.selector does not select these labels"],
    },
    {
      name: "of a name that is no label",
      text: job("", POD, `name: ${"x".repeat(64)}, namespace: d`),
      want: ["metadata.name: want at most 63 characters, found 64"],
    },
  ];
  test.each(rows)("$name", ({ text, want }) => {
    expect(errors(text)).toEqual(want);
  });
});

describe("what may change of a job", () => {
  const other = POD.replace("i:1", "i:2");
  const placed = POD.replace("restartPolicy", "nodeSelector: {a: b}, restartPolicy");
  const template = ["spec.template: this field cannot be changed: delete the job and create it anew"];
  const rows = [
    { name: "parallelism", before: job("parallelism: 1"), after: job("parallelism: 3"), want: [] },
    {
      name: "completions do not",
      before: job("completions: 1"),
      after: job("completions: 3"),
      want: [
        "spec.completions: this field cannot be changed, but together with parallelism, to the same number, in an indexed job",
      ],
    },
    {
      name: "completions with parallelism of an indexed job",
      before: job("completionMode: Indexed, completions: 2, parallelism: 2"),
      after: job("completionMode: Indexed, completions: 3, parallelism: 3"),
      want: [],
    },
    { name: "the template does not", before: job(""), after: job("", other), want: template },
    {
      name: "the placement, while it waits",
      before: job("suspend: true"),
      after: job("suspend: false", placed),
      want: [],
    },
    { name: "the placement does not, while it runs", before: job(""), after: job("", placed), want: template },
  ];
  test.each(rows)("$name", ({ before, after, want }) => {
    expect(errors(after, before)).toEqual(want);
  });
});

describe("what a cron job and a daemon set cannot be", () => {
  const rows = [
    { name: "a plain cron job is fine", text: cronJob('schedule: "*/5 * * * *", timeZone: Europe/Berlin'), want: [] },
    {
      name: "of a minute that is none",
      text: cronJob('schedule: "61 * * * *"'),
      want: ['spec.schedule: minute: want 0 to 59, found "61", found "61 * * * *"'],
    },
    {
      name: "of a zone that is none",
      text: cronJob('schedule: "@daily", timeZone: Mars/Base'),
      want: ['spec.timeZone: want a time zone such as Europe/Berlin, found "Mars/Base"'],
    },
    {
      name: "of a name too long for its jobs",
      text: cronJob('schedule: "@daily"', "x".repeat(53)),
      want: ["metadata.name: want at most 52 characters, found 53"],
    },
    { name: "a plain daemon set is fine", text: daemonSet(""), want: [] },
    {
      name: "surplus and missing at once",
      text: daemonSet("updateStrategy: {rollingUpdate: {maxSurge: 1, maxUnavailable: 1}}"),
      want: ["spec.updateStrategy.rollingUpdate.maxSurge: want 0 when maxUnavailable is not 0"],
    },
    {
      name: "neither surplus nor missing",
      text: daemonSet("updateStrategy: {rollingUpdate: {maxUnavailable: 0}}"),
      want: ["spec.updateStrategy.rollingUpdate.maxUnavailable: maxUnavailable and maxSurge cannot both be 0"],
    },
    {
      name: "bounds of what is not rolled",
      text: daemonSet("updateStrategy: {type: OnDelete, rollingUpdate: {maxUnavailable: 2}}"),
      want: ["spec.updateStrategy.rollingUpdate: only with type RollingUpdate"],
    },
  ];
  test.each(rows)("$name", ({ text, want }) => {
    expect(errors(text)).toEqual(want);
  });
});
