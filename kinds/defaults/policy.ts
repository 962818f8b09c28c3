import type { LimitRange, LimitRangeItem } from "../../proto/gen/tallship/v1/limitrange.js";
import { LabelSelector } from "../../proto/gen/tallship/v1/meta.js";
import type { NetworkPolicy } from "../../proto/gen/tallship/v1/networkpolicy.js";
import type { ClusterRoleBinding, RoleBinding, Subject } from "../../proto/gen/tallship/v1/rbac.js";

/** A container's limit is at most the largest, its request by default the limit or the least. */
export function defaultLimitRange(range: LimitRange): LimitRange {
  const { spec } = range;
  return spec === undefined ? range : { ...range, spec: { ...spec, limits: spec.limits.map(defaultLimits) } };
}

/** All pods of the namespace where none are selected, and the directions that its rules are about. */
export function defaultNetworkPolicy(policy: NetworkPolicy): NetworkPolicy {
  const { spec } = policy;
  if (spec === undefined) return policy;
  const podSelector = spec.podSelector ?? LabelSelector.fromPartial({});
  const policyTypes = spec.egress.length > 0 ? ["Ingress", "Egress"] : ["Ingress"];
  return {
    ...policy,
    spec: { ...spec, podSelector, policyTypes: spec.policyTypes.length > 0 ? spec.policyTypes : policyTypes },
  };
}

/** Users and groups are of the rights' own API group. */
export function defaultBinding<B extends RoleBinding | ClusterRoleBinding>(binding: B): B {
  return { ...binding, subjects: binding.subjects.map(defaultSubject) };
}

function defaultLimits(element: LimitRangeItem): LimitRangeItem {
  if (element.type !== "Container") return element;
  const limits = { ...element.max, ...element.default };
  return { ...element, default: limits, defaultRequest: { ...element.min, ...limits, ...element.defaultRequest } };
}

function defaultSubject(subject: Subject): Subject {
  const isGrouped = subject.kind === "User" || subject.kind === "Group";
  return isGrouped && subject.apiGroup === "" ? { ...subject, apiGroup: "rbac.authorization.k8s.io" } : subject;
}
