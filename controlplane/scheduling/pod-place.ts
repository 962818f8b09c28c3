import { devicesOf, deviceText } from "../../kinds/devices.js";
import { metaOf } from "../../kinds/object.js";
import { podGroupOf } from "../../kinds/pod-group.js";
import { isDeleting, isPodFinished } from "../../kinds/pod-state.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import type { Tenure } from "../../scheduler/tenant.js";

/** Names of the scheduler that this is; pods of other names are left to others. */
const names: readonly string[] = ["", "default-scheduler", "tallship"];

/** What a pod is to the scheduler. */
export type Place =
  /** Takes room on a node until it is finished or gone. */
  | { readonly is: "bound"; readonly nodeName: string }
  /** Wants a node. */
  | { readonly is: "waiting" }
  /** Neither: it is finished, going, another scheduler's, or its gates are closed. */
  | { readonly is: "none" };

/** What a pod is to the scheduler, by the object alone. */
export function placeOf(pod: Pod): Place {
  const nodeName = pod.spec?.nodeName ?? "";
  if (isPodFinished(pod)) return { is: "none" };
  if (nodeName !== "") return { is: "bound", nodeName };
  if ((pod.spec?.schedulingGates.length ?? 0) > 0) return { is: "none" };
  if (isDeleting(pod) || !names.includes(pod.spec?.schedulerName ?? "")) return { is: "none" };
  return { is: "waiting" };
}

/** The devices that a pod has on its node, as far as they are written down. */
function heldDevices({ metadata, spec }: Pod): readonly string[] | undefined {
  const names = (spec?.nodeName ?? "") === "" ? [] : devicesOf(metadata?.annotations ?? {}).map(deviceText);
  return names.length === 0 ? undefined : names;
}

/** What a pod is among the pods of its node; `isEvicting`: it is being told to make room, which the cache does not hold yet. */
export function tenureOf(pod: Pod, isEvicting = false): Tenure {
  const { namespace, labels } = metaOf(pod);
  const priority = pod.spec?.priority ?? 0;
  const startedAt = pod.status?.startTime ?? "";
  const isEnding = isEvicting || isDeleting(pod);
  return { namespace, labels, priority, startedAt, isEnding, isReserved: false, devices: heldDevices(pod) };
}

/** The pod group that the pod belongs to, namespace/name; empty: none. */
export function groupOf({ metadata }: Pod): string {
  const name = podGroupOf(metadata?.labels);
  return name === "" ? "" : `${metadata?.namespace}/${name}`;
}
