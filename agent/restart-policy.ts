import type { Pod } from "../proto/gen/tallship/v1/pod.js";
import { type ContainerRecord, containerRecord, type EndedRun, type PodRecord } from "./pod-record.js";

/** True when a run that ended like this did what it should. A lost exit code is no success. */
export function isSuccess({ exit }: EndedRun): boolean {
  return exit.is === "code" && exit.exitCode === 0;
}

/** True when the container shall have a run after those that ended; of one that never ran: always. */
export function willRunAgain(pod: Pod, { last }: ContainerRecord): boolean {
  if (last === undefined) return true;
  const policy = pod.spec?.restartPolicy;
  if (policy === "Never") return false;
  return policy === "OnFailure" ? !isSuccess(last) : true;
}

/** True once every container has ended for good. */
export function isPodOver(pod: Pod, record: PodRecord): boolean {
  const containers = pod.spec?.containers ?? [];
  return containers.length > 0 && containers.every(({ name }) => !willRunAgain(pod, containerRecord(record, name)));
}
