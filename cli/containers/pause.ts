import { metaOf } from "../../kinds/object.js";
import { PAUSED, pausedRuns, runText } from "../../kinds/paused.js";
import { TallshipError } from "../../lib/errors.js";
import type { ContainerStatus } from "../../proto/gen/tallship/v1/pod.js";
import type { ClusterFlags } from "../cluster.js";
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

/** Of a container only its present run is marked; marks of runs that are over go. */
async function mark(run: PowerRun, found: NamedContainer, status: ContainerStatus, isOn: boolean): Promise<void> {
  const { pod, container } = found;
  const attempt = /_(\d+)$/.exec(status.containerID)?.[1];
  if (attempt === undefined)
    throw new TallshipError("internal", `container ${nameOf(found)}: its id ${status.containerID} names no run`);
  const own = runText({ container, attempt: Number(attempt) });
  await annotate(run, pod, (live) => {
    const others = pausedRuns(live).filter((text) => !text.startsWith(`${container}.`));
    const all = isOn ? [...others, own] : others;
    return { [PAUSED]: all.length === 0 ? null : all.join(",") };
  });
  let isDone = false;
  await untilPod(run, pod, (live) => {
    const now = statusOf(live, container);
    const isSame = now?.state?.running !== undefined && now.containerID === status.containerID;
    isDone = isSame && now.paused === isOn;
    return isDone || !isSame;
  });
  if (!isDone && isOn) throw refusal(found, `of pod ${metaOf(pod).name} ended before it was paused`);
}
