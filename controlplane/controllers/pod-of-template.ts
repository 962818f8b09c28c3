import type { ObjectMeta } from "../../proto/gen/tallship/v1/meta.js";
import { type Pod, PodStatus, type PodTemplateSpec } from "../../proto/gen/tallship/v1/pod.js";
import { qosClassOf } from "../api/admission/qos-class.js";

/** The pod that a controller creates from its template, which admission has filled with defaults when it let the controller's object in. */
export function podOfTemplate(template: PodTemplateSpec | undefined, metadata: ObjectMeta): Pod {
  const spec = template?.spec;
  return { metadata, spec, status: PodStatus.fromPartial({ phase: "Pending", qosClass: qosClassOf(spec) }) };
}
