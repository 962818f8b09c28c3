import { expect, test } from "vitest";
import { Job } from "../proto/gen/tallship/v1/job.js";
import { withOwnSelector, withoutOwnSelector } from "./job-selector.js";

const jobOf = (spec: Parameters<typeof Job.fromPartial>[0]["spec"]): Job =>
  Job.fromPartial({ metadata: { name: "work", uid: "u-1" }, spec: { template: { metadata: {} }, ...spec } });

test("a job without what the server has written of its selector is as its user wrote it, labels of his own among them", () => {
  const job = jobOf({ template: { metadata: { labels: { app: "work", "job-name": "other" } } } });
  expect(withOwnSelector(job)).not.toEqual(job);
  expect(withoutOwnSelector(withOwnSelector(job))).toEqual(job);
});

test("a selector of the user's own stays", () => {
  const job = jobOf({ manualSelector: true, selector: { matchLabels: { a: "b" } } });
  expect(withoutOwnSelector(withOwnSelector(job))).toEqual(job);
});
