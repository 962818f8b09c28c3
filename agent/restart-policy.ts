import { isEphemeral, isOneOff, isSidecar } from "../kinds/pod-containers.js";
import { isDeleting } from "../kinds/pod-state.js";
import { keepsFiles, maxRestartsOf, powerOf } from "../kinds/power.js";
import type { Container } from "../proto/gen/tallship/v1/container.js";
import type { Pod } from "../proto/gen/tallship/v1/pod.js";
import { type ContainerRecord, containerRecord, type EndedRun, type PodRecord } from "./pod-record.js";

/** True when a run that ended like this did what it should. A lost exit code is no success. */
export function isSuccess({ exit }: EndedRun): boolean {
  return exit.is === "code" && exit.exitCode === 0;
}

/**
 * True when the container shall have a run after those that ended; of one that never ran, or that made way for another image: always. Its own restart
 * policy goes before the pod's; an init container that succeeded has done its work.
 */
export function willRunAgain(
  pod: Pod,
  container: Container,
  { last, isComplete, failureCount }: ContainerRecord,
): boolean {
  const isInit = isOneOff(pod, container.name);
  if (isInit && isComplete) return false;
  if (last === undefined || last.isReplaced === true) return true;
  if (isEphemeral(pod, container.name)) return false;
  const policy = container.restartPolicy || pod.spec?.restartPolicy || "Always";
  if (policy === "Never") return isInit && isSuccess(last); // A reboot asks for the work of a successful one again.
  const isOutOfTries = failureCount > (maxRestartsOf(pod) ?? Number.POSITIVE_INFINITY);
  return policy === "OnFailure" && !isInit ? !isSuccess(last) && !isOutOfTries : true;
}

/** True while the user wants nothing of the pod to run: it was stopped, or is to be started anew and what ran before has not ended. */
export function isSwitchedOff(pod: Pod, record: PodRecord): boolean {
  const { isStopped, startCount } = powerOf(pod);
  return isStopped || startCount > record.startCount;
}

/** True while what the pod wrote is kept though nothing of it runs: it may be started again. Of one that was evicted nothing is, since that is to make room. */
export function hasLastingFiles(pod: Pod | undefined, { failure }: PodRecord): boolean {
  return pod !== undefined && keepsFiles(pod) && !isDeleting(pod) && failure?.reason !== "Evicted";
}

/**
 * True once the pod has failed, an init container has failed for good, or every container has ended for good, and while the user has switched it
 * off. Sidecars do not count.
 */
export function isPodOver(pod: Pod, record: PodRecord): boolean {
  const { initContainers = [], containers = [] } = pod.spec ?? {};
  if (isSwitchedOff(pod, record)) return true;
  if (record.failure !== undefined) return true;
  const isEnded = (container: Container): boolean =>
    !willRunAgain(pod, container, containerRecord(record, container.name));
  if (!record.isInitialized && initContainers.some((one) => !isSidecar(one) && hasFailed(pod, one, record)))
    return true;
  return containers.length > 0 && containers.every(isEnded);
}

function hasFailed(pod: Pod, container: Container, record: PodRecord): boolean {
  const known = containerRecord(record, container.name);
  return known.last !== undefined && !known.isComplete && !willRunAgain(pod, container, known);
}

/** True when the run is under way as far as others wait for it: it runs, its postStart hook has ended and its startup probe has passed. */
export function hasStarted({ lifecycle, startupProbe }: Container, known: ContainerRecord): boolean {
  if (known.startedAtMs === undefined) return false;
  if (lifecycle?.postStart !== undefined && !known.isPosted) return false;
  return startupProbe === undefined || known.isStartupPassed;
}

/** True when the run may receive requests. An init container that has done its work counts as ready, as in Kubernetes. */
export function isContainerReady(container: Container, known: ContainerRecord): boolean {
  return hasStarted(container, known) && (container.readinessProbe === undefined || known.isReady);
}
