import { metaOf } from "../../../kinds/object.js";
import type {
  PodFailurePolicy,
  PodFailurePolicyOnExitCodesRequirement,
  PodFailurePolicyRule,
} from "../../../proto/gen/tallship/v1/job.js";
import type { ContainerStatus, Pod } from "../../../proto/gen/tallship/v1/pod.js";

/** What a pod's failure means, and the sentence that says why. */
export interface FailureMatch {
  readonly action: string;
  readonly message: string;
}

/** The first rule that a failed pod matches; undefined when none does: the failure counts. Words are Kubernetes'. */
export function matchFailure(policy: PodFailurePolicy | undefined, pod: Pod): FailureMatch | undefined {
  for (const [at, rule] of (policy?.rules ?? []).entries()) {
    const what = matchRule(rule, pod);
    if (what !== undefined)
      return { action: rule.action, message: `${what} matching ${rule.action} rule at index ${at}` };
  }
  return undefined;
}

function matchRule({ onExitCodes, onPodConditions }: PodFailurePolicyRule, pod: Pod): string | undefined {
  const { namespace, name } = metaOf(pod);
  if (onExitCodes !== undefined) {
    const failed = containersOf(pod).find((status) => matchesExit(onExitCodes, status));
    const code = failed?.state?.terminated?.exitCode;
    return failed && `Container ${failed.name} for pod ${namespace}/${name} failed with exit code ${code}`;
  }
  const held = onPodConditions.find((pattern) =>
    pod.status?.conditions.some(
      ({ type, status }) => type === pattern.type && status === (pattern.status === "" ? "True" : pattern.status),
    ),
  );
  return held && `Pod ${namespace}/${name} has condition ${held.type}`;
}

function containersOf({ status }: Pod): readonly ContainerStatus[] {
  return [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])];
}

function matchesExit(
  { containerName, operator, values }: PodFailurePolicyOnExitCodesRequirement,
  { name, state }: ContainerStatus,
): boolean {
  const code = state?.terminated?.exitCode;
  if (code === undefined || code === 0 || (containerName !== undefined && containerName !== name)) return false;
  return values.includes(code) === (operator === "In");
}
