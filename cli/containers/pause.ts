import { metaOf } from "../../kinds/object.js";
import { PAUSED, pausedRuns, runText } from "../../kinds/paused.js";
import { parseTime } from "../../lib/clock.js";
import { TallshipError } from "../../lib/errors.js";
import type { Event } from "../../proto/gen/tallship/v1/event.js";
import type { ContainerStatus, Pod } from "../../proto/gen/tallship/v1/pod.js";
import type { ClusterFlags } from "../cluster.js";
import { eventsAbout } from "../events/about.js";
import type { Shell } from "../shell.js";
import { type NamedContainer, nameOf } from "./identity.js";
import { annotate, eachContainer, type PowerCall, type PowerRun, untilPod } from "./power.js";
import { statusOf } from "./state.js";

/** Has containers stand still, as docker pause. Waits until they do. */
export function runPause(call: PowerCall<ClusterFlags>, shell: Shell): Promise<number> {
  return eachContainer(call, shell, pauseContainer);
}

/** Lets containers go on that stand still. Waits until they do. */
export function runUnpause(call: PowerCall<ClusterFlags>, shell: Shell): Promise<number> {
  return eachContainer(call, shell, unpauseContainer);
}

/** Has the present run of a container stand still. */
export async function pauseContainer(run: PowerRun, found: NamedContainer): Promise<void> {
  const status = runningStatus(found);
  if (status.paused) throw refusal(found, "is already paused");
  await mark(run, found, status, true);
}

/** Lets the present run of a container go on. */
export async function unpauseContainer(run: PowerRun, found: NamedContainer): Promise<void> {
  const status = runningStatus(found);
  if (!status.paused) throw refusal(found, "is not paused");
  await mark(run, found, status, false);
}

function runningStatus(found: NamedContainer): ContainerStatus {
  const status = statusOf(found.pod, found.container);
  if (status?.state?.running === undefined) throw refusal(found, "is not running");
  return status;
}

function refusal(found: NamedContainer, why: string): TallshipError {
  return new TallshipError("failed_precondition", `container ${nameOf(found)} ${why}`);
}

/** Of a container only its present run is marked; marks of runs that are over go. A mark that has no effect in time goes too. */
async function mark(run: PowerRun, found: NamedContainer, status: ContainerStatus, isOn: boolean): Promise<void> {
  const { pod, container } = found;
  const attempt = /_(\d+)$/.exec(status.containerID)?.[1];
  if (attempt === undefined)
    throw new TallshipError("internal", `container ${nameOf(found)}: its id ${status.containerID} names no run`);
  const own = runText({ container, attempt: Number(attempt) });
  const write = (marks: readonly string[]): Promise<void> =>
    annotate(run, pod, (live) => {
      const others = pausedRuns(live).filter((text) => !text.startsWith(`${container}.`));
      const all = [...others, ...marks];
      return { [PAUSED]: all.length === 0 ? null : all.join(",") };
    });
  const sinceMs = run.shell.clock.nowMs();
  await write(isOn ? [own] : []);
  let isDone = false;
  const isSo = (live: Pod): boolean => {
    const now = statusOf(live, container);
    const isSame = now?.state?.running !== undefined && now.containerID === status.containerID;
    isDone = isSame && now.paused === isOn;
    return isDone || !isSame;
  };
  if (!(await untilPod(run, pod, isSo, PAUSE_MS))) {
    if (isOn) await write([]);
    throw await hung(run, found, { isOn, sinceMs });
  }
  if (!isDone && isOn) throw refusal(found, `of pod ${metaOf(pod).name} ended before it was paused`);
}

/** A node tries for two seconds, and again; what has not happened by then will not. */
const PAUSE_MS = 20_000;

/** Why a container does not stand still, or go on: as its node tells it, when it has. */
async function hung(
  { shell, cluster }: PowerRun,
  found: NamedContainer,
  { isOn, sinceMs }: { readonly isOn: boolean; readonly sinceMs: number },
): Promise<TallshipError> {
  const events = await eventsAbout(cluster, { kind: "Pod", object: found.pod }, shell.signal);
  const reason = isOn ? "FailedPause" : "FailedUnpause";
  // Times are whole seconds.
  const isNew = ({ lastTimestamp }: Event): boolean => parseTime(lastTimestamp) >= sinceMs - 1_000;
  const last = events.findLast((event) => event.reason === reason && isNew(event));
  const why = last?.message ?? `node ${found.pod.spec?.nodeName} has not said why`;
  const what = isOn ? "does not stand still, and is not asked to any more" : "does not go on";
  return new TallshipError("deadline_exceeded", `container ${nameOf(found)} ${what}: ${why}`);
}
