import { DEVICES } from "../../kinds/devices.js";
import { type Pod, PodStatus } from "../../proto/gen/tallship/v1/pod.js";
import type { Cached } from "../cache/view.js";
import { type Claim, withCondition } from "../controllers/conditions.js";
import type { ObjectWrite } from "../controllers/controller.js";
import { remove, replace } from "../controllers/writes.js";

/** Where a pod goes, and the devices that it gets there; undefined: none that are told apart. */
export interface Seat {
  readonly nodeName: string;
  readonly devices: readonly string[] | undefined;
}

/** Binds a pod to a node. */
export function bindWrite(cached: Cached<"Pod">, { nodeName, devices }: Seat, nowMs: number): ObjectWrite {
  const object = withDevices(cached.object, devices);
  const bound = withStatus(object, { type: "PodScheduled", status: "True", reason: "", message: "" }, nowMs);
  const status = bound.status && { ...bound.status, nominatedNodeName: "" };
  return replace(cached, { ...bound, status, spec: object.spec && { ...object.spec, nodeName } });
}

/** Writes down which devices the pod gets, for its node to give it those. */
function withDevices(pod: Pod, devices: readonly string[] | undefined): Pod {
  if (devices === undefined || devices.length === 0 || pod.metadata === undefined) return pod;
  const annotations = { ...pod.metadata.annotations, [DEVICES]: devices.join(",") };
  return { ...pod, metadata: { ...pod.metadata, annotations } };
}

/** What a pod without a node is told. */
export interface RefusalNews {
  readonly message: string;
  /** Where room is being made for it; empty: nowhere. */
  readonly nominatedNodeName: string;
}

/** Says on a pod why no node takes it; undefined when it says so already. */
export function refusalWrite(
  cached: Cached<"Pod">,
  { message, nominatedNodeName }: RefusalNews,
  nowMs: number,
): ObjectWrite | undefined {
  const { object } = cached;
  const claim: Claim = { type: "PodScheduled", status: "False", reason: "Unschedulable", message };
  const refused = withStatus(object, claim, nowMs);
  const isKnown = nominatedNodeName === (object.status?.nominatedNodeName ?? "");
  if (isKnown && refused.status?.conditions === object.status?.conditions) return undefined;
  return replace(cached, { ...refused, status: refused.status && { ...refused.status, nominatedNodeName } });
}

/** Marks a pod for deletion, since another needs its room. Nothing when it is marked already. */
export function evictionWrite(cached: Cached<"Pod">, nowMs: number): readonly ObjectWrite[] {
  const claim: Claim = {
    type: "DisruptionTarget",
    status: "True",
    reason: "PreemptionByScheduler",
    message: "default-scheduler: preempting to accommodate a higher priority pod",
  };
  return remove({ ...cached, object: withStatus(cached.object, claim, nowMs) }, { nowMs });
}

function withStatus(pod: Pod, claim: Claim, nowMs: number): Pod {
  const status = pod.status ?? PodStatus.fromPartial({ phase: "Pending" });
  return { ...pod, status: { ...status, conditions: withCondition(status.conditions, claim, nowMs) } };
}
