import type { Job } from "../proto/gen/tallship/v1/job.js";
import { LabelSelector, ObjectMeta } from "../proto/gen/tallship/v1/meta.js";

/** Label of a job's pods that their job's uid is the value of. As in Kubernetes, so are the others. */
export const CONTROLLER_UID = "batch.kubernetes.io/controller-uid";
/** Label of a job's pods that their job's name is the value of. */
export const JOB_NAME = "batch.kubernetes.io/job-name";
/** The names that those labels had first; Kubernetes still sets them. */
const LEGACY = { uid: "controller-uid", name: "job-name" };

/** Labels that every pod of a job has whose selector is not the user's. */
export function jobLabels(name: string, uid: string): Readonly<Record<string, string>> {
  return { [CONTROLLER_UID]: uid, [LEGACY.uid]: uid, [JOB_NAME]: name, [LEGACY.name]: name };
}

/** The job without what withOwnSelector has written: as it may be created anew. */
export function withoutOwnSelector(job: Job): Job {
  const { metadata, spec } = job;
  if (metadata === undefined || spec === undefined || spec.manualSelector === true) return job;
  const own = jobLabels(metadata.name, metadata.uid);
  const { metadata: meta } = spec.template ?? {};
  const labels = Object.entries(meta?.labels ?? {}).filter(([key, value]) => own[key] !== value);
  const template = spec.template && {
    ...spec.template,
    metadata: meta && { ...meta, labels: Object.fromEntries(labels) },
  };
  return { ...job, spec: { ...spec, selector: undefined, template } };
}

/**
 * The job with the selector and labels that tell its pods from those of all others: what Kubernetes writes at creation. Labels that the user
 * wrote stay; validation refuses them when they say something else. A job with manualSelector stays as it is.
 */
export function withOwnSelector(job: Job): Job {
  const { metadata, spec } = job;
  if (metadata === undefined || spec === undefined || spec.manualSelector === true) return job;
  const template = spec.template ?? { metadata: undefined, spec: undefined };
  const meta = template.metadata ?? ObjectMeta.fromPartial({});
  const labels = { ...jobLabels(metadata.name, metadata.uid), ...meta.labels };
  const selector = spec.selector ?? LabelSelector.fromPartial({});
  const matchLabels = { [CONTROLLER_UID]: metadata.uid, ...selector.matchLabels };
  return {
    ...job,
    spec: {
      ...spec,
      selector: { ...selector, matchLabels },
      template: spec.template === undefined ? undefined : { ...template, metadata: { ...meta, labels } },
    },
  };
}
