import type { Deployment, DeploymentSpec } from "../../proto/gen/tallship/v1/deployment.js";
import type { IntOrString, LabelSelector } from "../../proto/gen/tallship/v1/meta.js";
import type { PodTemplateSpec } from "../../proto/gen/tallship/v1/pod.js";
import type { ReplicaSet } from "../../proto/gen/tallship/v1/replicaset.js";
import { isEmptySelector, matchesSelector } from "../label-selector.js";
import type { Findings, Path } from "./findings.js";
import { checkPodAnnotations } from "./meta.js";
import { checkPodNetworks, checkPodSpec } from "./pod.js";
import { checkSelectorParts } from "./selector.js";

/** A selector that selects the template's pods, a roll-out that can move, and a sound template. */
export function checkDeployment(deployment: Deployment, findings: Findings): void {
  const { spec } = deployment;
  if (spec === undefined) {
    findings.add("required", ["spec"], "this field is required");
    return;
  }
  checkSelected(spec.selector, spec.template, findings);
  checkStrategy(spec, findings);
  const { progressDeadlineSeconds = 600, minReadySeconds } = spec;
  if (minReadySeconds > 0 && progressDeadlineSeconds <= minReadySeconds)
    findings.add(
      "invalid",
      ["spec", "progressDeadlineSeconds"],
      `want more than minReadySeconds (${minReadySeconds}), found ${progressDeadlineSeconds}`,
    );
}

/** A selector that selects the template's pods, and a sound template. */
export function checkReplicaSet(set: ReplicaSet, findings: Findings): void {
  if (set.spec === undefined) findings.add("required", ["spec"], "this field is required");
  else checkSelected(set.spec.selector, set.spec.template, findings);
}

/** A selector that is sound and selects the template's pods, and a template whose pods run for ever. */
export function checkSelected(
  selector: LabelSelector | undefined,
  template: PodTemplateSpec | undefined,
  findings: Findings,
): void {
  if (selector !== undefined) checkSelector(selector, findings);
  if (template === undefined) return;
  const labels = template.metadata?.labels ?? {};
  if (selector !== undefined && isSound(selector) && !matchesSelector(selector, labels))
    findings.add("invalid", ["spec", "template", "metadata", "labels"], "spec.selector does not select these labels");
  const path = ["spec", "template", "spec"];
  if (template.spec === undefined) {
    findings.add("required", path, "this field is required");
    return;
  }
  const { restartPolicy } = template.spec;
  // What is no policy at all is told already.
  if (restartPolicy === "OnFailure" || restartPolicy === "Never")
    findings.add("invalid", [...path, "restartPolicy"], `want Always, found ${JSON.stringify(restartPolicy)}`);
  if (template.spec.activeDeadlineSeconds !== undefined)
    findings.add("forbidden", [...path, "activeDeadlineSeconds"], "pods that are kept running have no deadline");
  checkPodSpec(template.spec, path, findings);
  checkPodAnnotations(template.metadata, ["spec", "template", "metadata"], findings);
  checkPodNetworks(template, ["spec", "template", "metadata"], findings);
}

function isSound(selector: LabelSelector): boolean {
  return selector.matchExpressions.every(({ operator }) => OPERATORS.has(operator));
}

const OPERATORS: ReadonlySet<string> = new Set(["In", "NotIn", "Exists", "DoesNotExist"]);

function checkSelector(selector: LabelSelector, findings: Findings): void {
  const path = ["spec", "selector"];
  if (isEmptySelector(selector)) findings.add("required", path, "an empty selector would take every pod");
  checkSelectorParts(selector, path, findings);
}

function checkStrategy(spec: DeploymentSpec, findings: Findings): void {
  const { type = "", rollingUpdate } = spec.strategy ?? {};
  const path = ["spec", "strategy", "rollingUpdate"];
  if (type === "Recreate" && rollingUpdate !== undefined) {
    findings.add("forbidden", path, "only with type RollingUpdate");
    return;
  }
  if (rollingUpdate === undefined) return;
  const { maxUnavailable, maxSurge } = rollingUpdate;
  if (isZero(maxUnavailable) && isZero(maxSurge))
    findings.add(
      "invalid",
      [...path, "maxUnavailable"],
      "maxUnavailable and maxSurge cannot both be 0: no pod could be replaced",
    );
  checkAtMostAll(maxUnavailable, [...path, "maxUnavailable"], findings);
}

/** A share of pods that is not more than all of them. */
export function checkAtMostAll(amount: IntOrString | undefined, path: Path, findings: Findings): void {
  const value = amount?.value;
  if (value?.$case === "strVal" && Number.parseInt(value.value, 10) > 100)
    findings.add("invalid", path, `want at most 100%, found ${value.value}`);
}

/** True for a count or share of nothing. */
export function isZero(amount: IntOrString | undefined): boolean {
  const value = amount?.value;
  return value !== undefined && Number.parseInt(String(value.value), 10) === 0;
}
