import { type Pod, PodStatus } from "../../proto/gen/tallship/v1/pod.js";
import type { Cached } from "../cache/view.js";
import { type Claim, withCondition } from "../controllers/conditions.js";
import type { ObjectWrite } from "../controllers/controller.js";
import { replace } from "../controllers/writes.js";

/** Binds a pod to a node. */
export function bindWrite(cached: Cached<"Pod">, nodeName: string, nowMs: number): ObjectWrite {
  const { object } = cached;
  const bound = withScheduled(object, { type: "PodScheduled", status: "True", reason: "", message: "" }, nowMs);
  return replace(cached, { ...bound, spec: object.spec && { ...object.spec, nodeName } });
}

/** Says on a pod why no node takes it; undefined when it says so already. */
export function refusalWrite(cached: Cached<"Pod">, message: string, nowMs: number): ObjectWrite | undefined {
  const { object } = cached;
  const claim: Claim = { type: "PodScheduled", status: "False", reason: "Unschedulable", message };
  const refused = withScheduled(object, claim, nowMs);
  return refused.status?.conditions === object.status?.conditions ? undefined : replace(cached, refused);
}

function withScheduled(pod: Pod, claim: Claim, nowMs: number): Pod {
  const status = pod.status ?? PodStatus.fromPartial({ phase: "Pending" });
  return { ...pod, status: { ...status, conditions: withCondition(status.conditions, claim, nowMs) } };
}
