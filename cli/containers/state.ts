import { durationText } from "../../kinds/age.js";
import { isPodReady } from "../../kinds/pod-state.js";
import { podSummary } from "../../kinds/pod-summary.js";
import { parseTime } from "../../lib/clock.js";
import type { ContainerStatus, Pod } from "../../proto/gen/tallship/v1/pod.js";

/** The words of Docker for what a container is doing. */
export type DockerState = "created" | "running" | "restarting" | "removing" | "exited";

/** The status of a container; undefined before its node has said anything. */
export function statusOf(pod: Pod, container: string): ContainerStatus | undefined {
  const { containerStatuses = [], initContainerStatuses = [], ephemeralContainerStatuses = [] } = pod.status ?? {};
  return [...containerStatuses, ...initContainerStatuses, ...ephemeralContainerStatuses].find(
    ({ name }) => name === container,
  );
}

/** What the container is doing. */
export function dockerState(pod: Pod, container: string): DockerState {
  const { running, terminated, waiting } = statusOf(pod, container)?.state ?? {};
  if (pod.metadata?.deletionTimestamp) return "removing";
  if (running !== undefined) return "running";
  if (terminated !== undefined) return "exited";
  return waiting?.reason === "CrashLoopBackOff" ? "restarting" : "created";
}

/** As `docker ps` says it: how long it is up and whether it is healthy, how it ended, or what it waits for. */
export function stateText(pod: Pod, container: string, nowMs: number): string {
  const { running, terminated, waiting } = statusOf(pod, container)?.state ?? {};
  if (running !== undefined) {
    const isChecked = pod.spec?.containers.find(({ name }) => name === container)?.readinessProbe !== undefined;
    const health = isChecked ? ` (${isPodReady(pod) ? "healthy" : "health: starting"})` : "";
    return `Up ${durationText(nowMs - parseTime(running.startedAt))}${health}`;
  }
  if (terminated !== undefined)
    return `Exited (${terminated.exitCode}) ${durationText(nowMs - parseTime(terminated.finishedAt))} ago`;
  const why = waiting?.message === undefined || waiting.message === "" ? "" : `: ${waiting.message}`;
  return `${podSummary(pod).status}${waiting?.reason === "WaitingForDependency" ? why : ""}`;
}
