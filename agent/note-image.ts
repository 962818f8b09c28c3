import { isSidecar } from "../kinds/pod-containers.js";
import { graceSecondsOf } from "../kinds/pod-state.js";
import type { Pod } from "../proto/gen/tallship/v1/pod.js";
import { newEnding } from "./checks/note-verdict.js";
import { containerRecord, type PodRecord, withContainer } from "./pod-record.js";

/**
 * What is remembered of images that a pod's spec has come to name while its containers run: one that was made of another image ends, and a run of the new one takes its place, whatever its
 * restart policy says. An init container that ends by itself is left to that. As in Kubernetes. Pure; without such a change the very record.
 */
export function noteImages(record: PodRecord, pod: Pod, nowMs: number): PodRecord {
  const { initContainers = [], containers = [] } = pod.spec ?? {};
  const beside = [...initContainers.filter(isSidecar), ...containers];
  return beside.reduce((soFar, { name, image }) => {
    const known = containerRecord(soFar, name);
    const isOther = known.image !== undefined && known.image !== image;
    if (!isOther || known.startedAtMs === undefined || known.ending !== undefined) return soFar;
    const why = `container ${name} definition changed, will be restarted`;
    const ending = { ...newEnding(why, graceSecondsOf(pod) * 1000, nowMs), isReplacing: true } as const;
    return withContainer(soFar, name, { ending });
  }, record);
}
