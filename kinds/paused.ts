import type { Pod } from "../proto/gen/tallship/v1/pod.js";

/**
 * Annotation of a pod: the runs of its containers that stand still, such as `web.0,side.2`: a container's name and the number of its run, which its
 * id ends with. As `docker pause` leaves a container: what runs after that run is not paused.
 */
export const PAUSED = "tallship.dev/paused";

/** A run of a container. */
export interface NumberedRun {
  readonly container: string;
  readonly attempt: number;
}

/** The run as the annotation names it. */
export function runText({ container, attempt }: NumberedRun): string {
  return `${container}.${attempt}`;
}

/** The runs that the annotation names. */
export function pausedRuns({ metadata }: Pick<Pod, "metadata">): readonly string[] {
  return (metadata?.annotations[PAUSED] ?? "").split(",").filter((text) => text !== "");
}

/** True when the user wants this run to stand still. */
export function isPauseAsked(pod: Pick<Pod, "metadata">, run: NumberedRun): boolean {
  return pod.metadata?.annotations[PAUSED] !== undefined && pausedRuns(pod).includes(runText(run));
}

/** What is wrong with the annotation's value; undefined when nothing is. */
export function pausedProblem(value: string): string | undefined {
  const isWell = value.split(",").every((text) => /^[a-z0-9]([-a-z0-9]*[a-z0-9])?\.\d{1,9}$/.test(text));
  return isWell ? undefined : "want CONTAINER.RUN, several with commas between";
}
