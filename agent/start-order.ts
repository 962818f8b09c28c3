import { startsAfter } from "../kinds/start-order.js";
import type { Pod } from "../proto/gen/tallship/v1/pod.js";
import { containerRecord, type PodRecord } from "./pod-record.js";
import { isContainerReady } from "./restart-policy.js";

/** The containers of the pod that one waits for before its first run: they are not ready yet. What has run is started again whatever became of them. */
export function awaitedBy(record: PodRecord, pod: Pod, container: string): readonly string[] {
  const { startedAtMs, last } = containerRecord(record, container);
  if (startedAtMs !== undefined || last !== undefined) return [];
  return startsAfter(pod, container).filter((name) => {
    const other = pod.spec?.containers.find((each) => each.name === name);
    return other !== undefined && !isContainerReady(other, containerRecord(record, name));
  });
}
