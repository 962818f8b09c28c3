import { applyDefaults } from "../../kinds/defaults/defaults.js";
import { qosClassOf } from "../../kinds/qos-class.js";
import { ObjectMeta } from "../../proto/gen/tallship/v1/meta.js";
import { type Pod, PodSpec, PodStatus, type PodTemplateSpec } from "../../proto/gen/tallship/v1/pod.js";

/**
 * The pods of a template: what admission would make of each, worked out once and shared by all. A controller's pods do not pass the API, so
 * defaults and first status are filled here by the same rules.
 */
export function podsOfTemplate(template: PodTemplateSpec | undefined): (metadata: ObjectMeta) => Pod {
  const object: Pod = { metadata: ObjectMeta.fromPartial({}), spec: template?.spec ?? PodSpec.fromPartial({}) };
  const { spec } = applyDefaults<"Pod">({ kind: "Pod", object }).object;
  const status = PodStatus.fromPartial({ phase: "Pending", qosClass: qosClassOf(spec) });
  return (metadata) => ({ metadata, spec, status });
}
