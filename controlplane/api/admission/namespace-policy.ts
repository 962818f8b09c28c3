import type { Typed } from "../../../kinds/object.js";
import { qosClassOf } from "../../../kinds/qos-class.js";
import { validate } from "../../../kinds/validation/validate.js";
import { PodStatus } from "../../../proto/gen/tallship/v1/pod.js";
import type { PriorityClass } from "../../../proto/gen/tallship/v1/priorityclass.js";
import type { View } from "../../cache/view.js";
import { claimLimitErrors, limitsOf, podLimitErrors, withLimitDefaults } from "./limit-range.js";
import { withPriority } from "./priority.js";
import { withPullSecrets } from "./pull-secrets.js";

/** An object as cluster and namespace want it, or why it cannot be created. */
export type PolicyOutcome =
  | { readonly is: "admitted"; readonly typed: Typed }
  | { readonly is: "refused"; readonly why: string };

/**
 * What the cluster's priorities and the namespace's ranges and service accounts make of a new object. Pure; the very object when they say nothing. Quotas
 * come after, for they count what this has filled in.
 */
export function admitByPolicy(typed: Typed, view: View, coming: readonly PriorityClass[] = []): PolicyOutcome {
  if (typed.kind === "Pod") return admitPod(typed, view, coming);
  if (typed.kind !== "PersistentVolumeClaim") return { is: "admitted", typed };
  const namespace = typed.object.metadata?.namespace ?? "";
  const errors = claimLimitErrors(typed.object, limitsOf(namespace, "PersistentVolumeClaim", view));
  return errors.length === 0 ? { is: "admitted", typed } : { is: "refused", why: listed(errors) };
}

function admitPod(typed: Typed<"Pod">, view: View, coming: readonly PriorityClass[]): PolicyOutcome {
  const prioritised = withPriority(typed.object, view, coming);
  if (prioritised.is === "refused") return prioritised;
  const namespace = typed.object.metadata?.namespace ?? "";
  const ranges = limitsOf(namespace, "Container", view);
  const known = withPullSecrets(prioritised.pod, view);
  const filled = withLimitDefaults(known, ranges);
  if (filled !== known) {
    const wrong = validate({ kind: "Pod", object: filled });
    if (wrong.length > 0)
      return { is: "refused", why: wrong.map(({ path, message }) => `${path}: ${message}`).join("; ") };
  }
  const errors = podLimitErrors(filled, namespace, view);
  if (errors.length > 0) return { is: "refused", why: listed(errors) };
  if (filled === known) return { is: "admitted", typed: { kind: "Pod", object: filled } };
  const status = PodStatus.fromPartial({ ...filled.status, qosClass: qosClassOf(filled.spec) });
  return { is: "admitted", typed: { kind: "Pod", object: { ...filled, status } } };
}

function listed(errors: readonly string[]): string {
  return errors.length === 1 ? `${errors[0]}` : `[${errors.join(", ")}]`;
}
