import type { ContainerStatus, Pod } from "../proto/gen/tallship/v1/pod.js";
import { conditionOf, isDeleting, isPodFinished, isPodReady } from "./pod-state.js";

/** A pod in a line: what kubectl's READY, STATUS and RESTARTS columns say. */
export interface PodSummary {
  readonly readyCount: number;
  readonly containerCount: number;
  /** One word: the phase, or what its containers wait for or ended with. */
  readonly status: string;
  readonly restartCount: number;
  /** When a container last ended and was started again, RFC 3339; empty when none was. */
  readonly lastRestartAt: string;
}

/** Sums a pod up. The last container that does not run gives the status its word, as in kubectl. */
export function podSummary(pod: Pod): PodSummary {
  const init = initState(pod);
  const containers = pod.status?.containerStatuses ?? [];
  const counted = init === undefined || isInitialized(pod) ? containers : (pod.status?.initContainerStatuses ?? []);
  const isCounting = counted === containers;
  return {
    readyCount: isCounting ? containers.filter(({ ready, state }) => ready && state?.running !== undefined).length : 0,
    containerCount: pod.spec?.containers.length ?? 0,
    status: finalStatus(pod, isCounting ? containerState(pod, containers) : (init ?? "")),
    restartCount: counted.reduce((sum, { restartCount }) => sum + restartCount, 0),
    lastRestartAt:
      counted
        .map(({ lastState }) => lastState?.terminated?.finishedAt ?? "")
        .sort()
        .at(-1) ?? "",
  };
}

/** What the init containers are at; undefined when they are done or there are none. */
function initState(pod: Pod): string | undefined {
  const statuses = pod.status?.initContainerStatuses ?? [];
  const restartable = new Set(pod.spec?.initContainers.filter((c) => c.restartPolicy === "Always").map((c) => c.name));
  const at = statuses.findIndex(
    (each) => each.state?.terminated?.exitCode !== 0 && !(restartable.has(each.name) && each.started === true),
  );
  const state = statuses[at]?.state;
  if (at === -1) return undefined;
  const ended = state?.terminated;
  if (ended !== undefined) return `Init:${endText(ended)}`;
  const waiting = state?.waiting?.reason ?? "";
  if (waiting !== "" && waiting !== "PodInitializing") return `Init:${waiting}`;
  return `Init:${at}/${pod.spec?.initContainers.length ?? 0}`;
}

function isInitialized(pod: Pod): boolean {
  return pod.status?.conditions.some(({ type, status }) => type === "Initialized" && status === "True") === true;
}

function containerState(pod: Pod, containers: readonly ContainerStatus[]): string {
  const gated =
    conditionOf(pod.status?.conditions, "PodScheduled")?.reason === "SchedulingGated" ? "SchedulingGated" : "";
  const start = gated || pod.status?.reason || pod.status?.phase || "Pending";
  const word = [...containers].reverse().reduce((status, { state }) => stateText(state) ?? status, start);
  const isRunning = containers.some(({ ready, state }) => ready && state?.running !== undefined);
  if (word === "Running" && containers.some(({ paused }) => paused)) return "Paused";
  if (word !== "Completed" || !isRunning) return word;
  return isPodReady(pod) ? "Running" : "NotReady";
}

function stateText(state: ContainerStatus["state"]): string | undefined {
  const waiting = state?.waiting?.reason ?? "";
  // What is shown while an image is on its way: the one thing there is to know.
  const pulled = /^pulling .*: (\d+)%, /.exec(state?.waiting?.message ?? "")?.[1];
  if (pulled !== undefined && waiting === "ContainerCreating") return `Pulling:${pulled}%`;
  if (waiting !== "") return waiting;
  return state?.terminated === undefined ? undefined : endText(state.terminated);
}

function endText({
  reason,
  signal,
  exitCode,
}: {
  readonly reason: string;
  readonly signal: number;
  readonly exitCode: number;
}): string {
  if (reason !== "") return reason;
  return signal === 0 ? `ExitCode:${exitCode}` : `Signal:${signal}`;
}

function finalStatus(pod: Pod, status: string): string {
  if (!isDeleting(pod)) return status;
  if (pod.status?.reason === "NodeLost") return "Unknown";
  return isPodFinished(pod) ? status : "Terminating";
}
