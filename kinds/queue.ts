/** Label of a pod (template): the Queue whose quota it uses. On a Job it holds for the job's pods. */
export const QUEUE = "tallship.dev/queue";

/** The queue that the labels name; empty without one. */
export function queueOf(labels: Readonly<Record<string, string>> | undefined): string {
  return labels?.[QUEUE] ?? "";
}
