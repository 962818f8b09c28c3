import { durationText } from "../../kinds/age.js";
import { podSummary } from "../../kinds/pod-summary.js";
import { powerOf } from "../../kinds/power.js";
import { parseTime } from "../../lib/clock.js";
import type { ContainerStatus, Pod } from "../../proto/gen/tallship/v1/pod.js";

/** The words of Docker for what a container is doing. */
export type DockerState = "created" | "running" | "paused" | "restarting" | "removing" | "exited";

/** The status of a container; undefined before its node has said anything. */
export function statusOf(pod: Pod, container: string): ContainerStatus | undefined {
  const { containerStatuses = [], initContainerStatuses = [], ephemeralContainerStatuses = [] } = pod.status ?? {};
  return [...containerStatuses, ...initContainerStatuses, ...ephemeralContainerStatuses].find(
    ({ name }) => name === container,
  );
}

/** What the container is doing. */
export function dockerState(pod: Pod, container: string): DockerState {
  const { state, paused = false } = statusOf(pod, container) ?? {};
  const { running, terminated, waiting } = state ?? {};
  if (pod.metadata?.deletionTimestamp) return "removing";
  if (running !== undefined) return paused ? "paused" : "running";
  if (terminated !== undefined) return "exited";
  return waiting?.reason === "CrashLoopBackOff" ? "restarting" : "created";
}

/** Whether a container that runs is healthy, in docker's words. */
export function healthOf(pod: Pod, container: string): "none" | "healthy" | "starting" | "unhealthy" {
  const status = statusOf(pod, container);
  const isChecked = pod.spec?.containers.find(({ name }) => name === container)?.readinessProbe !== undefined;
  if (!isChecked || status?.state?.running === undefined || status.paused) return "none";
  if (status.ready) return "healthy";
  const ready = pod.status?.conditions.find(({ type }) => type === "Ready");
  // It has changed since the start: so it was healthy in between.
  const wasReady = parseTime(ready?.lastTransitionTime ?? "") > parseTime(status.state.running.startedAt) + 1_000;
  return wasReady ? "unhealthy" : "starting";
}

/** As `docker ps` says it: how long it is up and whether it is healthy, how it ended, or what it waits for. */
export function stateText(pod: Pod, container: string, nowMs: number): string {
  const { running, terminated, waiting } = statusOf(pod, container)?.state ?? {};
  if (running !== undefined) {
    const found = healthOf(pod, container);
    const health = found === "none" ? "" : ` (${found === "starting" ? "health: starting" : found})`;
    const more = dockerState(pod, container) === "paused" ? " (Paused)" : health;
    return `Up ${durationText(nowMs - parseTime(running.startedAt))}${more}`;
  }
  if (terminated !== undefined)
    return `Exited (${terminated.exitCode}) ${durationText(nowMs - parseTime(terminated.finishedAt))} ago`;
  if (powerOf(pod).isStopped) return "Created";
  const why = waiting?.message === undefined || waiting.message === "" ? "" : `: ${waiting.message}`;
  return `${podSummary(pod).status}${waiting?.reason === "WaitingForDependency" ? why : ""}`;
}

/** What a container runs: what the pod says, or else what its image does, once that is known. */
export function commandOf({ pod, container }: { readonly pod: Pod; readonly container: string }): readonly string[] {
  const told = statusOf(pod, container)?.command ?? [];
  const spec = pod.spec?.containers.find(({ name }) => name === container);
  return told.length > 0 ? told : [...(spec?.command ?? []), ...(spec?.args ?? [])];
}
