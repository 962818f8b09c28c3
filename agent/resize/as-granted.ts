import { resizableOf, withAmounts } from "../../kinds/resize.js";
import { deepEqual } from "../../lib/deep-equal.js";
import type { Container } from "../../proto/gen/tallship/v1/container.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import type { PodRecord } from "../pod-record.js";
import { grantedOf } from "./note-resize.js";

/** The pod as its node has granted it: what it runs with, while its spec may ask for more. The very pod where that is no other. */
export function asGranted(pod: Pod, record: PodRecord): Pod {
  if (pod.spec === undefined) return pod;
  const own = (container: Container): Container => {
    const amounts = grantedOf(record, container);
    const isSame = deepEqual(amounts, resizableOf(container.resources));
    return isSame ? container : { ...container, resources: withAmounts(container.resources, amounts) };
  };
  const [containers, initContainers] = [pod.spec.containers.map(own), pod.spec.initContainers.map(own)];
  const isSame =
    containers.every((one, at) => one === pod.spec?.containers[at]) &&
    initContainers.every((one, at) => one === pod.spec?.initContainers[at]);
  return isSame ? pod : { ...pod, spec: { ...pod.spec, containers, initContainers } };
}
