import type { Job } from "../proto/gen/tallship/v1/job.js";

/** Label of a pod: the PodGroup of its namespace that it belongs to. */
export const POD_GROUP = "tallship.dev/pod-group";

/** The same label of Kubernetes' coscheduling plugin, so that its manifests work as they are. */
const COSCHEDULING_GROUP = "scheduling.x-k8s.io/pod-group";

/**
 * Annotation of a Job: its pods get their nodes together or not at all. The value is how many at least, or `all`: as many as run side by side.
 * The job's PodGroup has its name.
 */
export const GANG = "tallship.dev/gang";

/** Annotation of a Job with a gang: the node label within one value of which its pods are placed. */
export const GANG_TOPOLOGY = "tallship.dev/gang-topology";

/** The PodGroup that the labels name; empty without one. */
export function podGroupOf(labels: Readonly<Record<string, string>> | undefined): string {
  return labels?.[POD_GROUP] || labels?.[COSCHEDULING_GROUP] || "";
}

/** How many pods of a job get their nodes together; undefined when the job asks for no gang. */
export function gangSize({ metadata, spec }: Job): number | undefined {
  const asked = metadata?.annotations[GANG];
  if (asked === undefined) return undefined;
  const { parallelism = 1, completions } = spec ?? {};
  const together = Math.max(1, Math.min(parallelism, completions ?? parallelism));
  return asked === "all" ? together : Math.min(together, Number(asked));
}

/** True when the annotation of a Job asks for a gang in words that are understood. */
export function isGangText(text: string): boolean {
  return text === "all" || /^[1-9][0-9]{0,5}$/.test(text);
}
