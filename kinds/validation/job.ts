import { deepEqual } from "../../lib/deep-equal.js";
import type { Job, JobSpec, PodFailurePolicyRule } from "../../proto/gen/tallship/v1/job.js";
import type { PodTemplateSpec } from "../../proto/gen/tallship/v1/pod.js";
import { parseIndexes } from "../index-set.js";
import { CONTROLLER_UID, jobLabels } from "../job-selector.js";
import { matchesSelector } from "../label-selector.js";
import { GANG, GANG_TOPOLOGY, isGangText } from "../pod-group.js";
import type { Findings, Path } from "./findings.js";
import { checkPodSpec } from "./pod.js";
import { checkSelectorParts } from "./selector.js";

/** Most pods of an indexed job at once, as in Kubernetes; and most completions that need no bound of failed indexes. */
const MOST_INDEXES = 100_000;
const MOST_FAILED_INDEXES = 10_000;
/** A pod's labels hold its job's name. */
const NAME_LENGTH = 63;

/** A sound spec, a selector of its own, and after creation only the changes that Kubernetes allows. */
export function checkJob(job: Job, findings: Findings, previous: Job | undefined): void {
  if (job.spec === undefined) {
    findings.add("required", ["spec"], "this field is required");
    return;
  }
  const name = job.metadata?.name ?? "";
  if (name.length > NAME_LENGTH)
    findings.add("invalid", ["metadata", "name"], `want at most ${NAME_LENGTH} characters, found ${name.length}`);
  const width = job.spec.completionMode === "Indexed" ? String(Math.max(0, (job.spec.completions ?? 1) - 1)).length : 0;
  if (width > 0 && name.length + 1 + width > NAME_LENGTH)
    findings.add(
      "invalid",
      ["metadata", "name"],
      "too long: the host names of the pods are this name, '-' and an index",
    );
  checkJobSpec(job.spec, ["spec"], findings);
  checkJobSelector(job, findings);
  checkGang(job, findings);
  if (previous?.spec !== undefined) checkChange(job.spec, previous, findings);
}

function checkGang({ metadata }: Job, findings: Findings): void {
  const { [GANG]: gang, [GANG_TOPOLOGY]: topology } = metadata?.annotations ?? {};
  if (gang !== undefined && !isGangText(gang))
    findings.add("invalid", ["metadata", "annotations", GANG], 'want "all" or how many pods get their nodes together');
  if (topology !== undefined && gang === undefined)
    findings.add("invalid", ["metadata", "annotations", GANG_TOPOLOGY], `only together with ${GANG}`);
}

/** Everything in a job's spec that spans several fields; also that of a cron job. */
export function checkJobSpec(spec: JobSpec, path: Path, findings: Findings): void {
  checkTemplate(spec, [...path, "template"], findings);
  checkIndexed(spec, path, findings);
  checkFailurePolicy(spec, [...path, "podFailurePolicy"], findings);
  checkSuccessPolicy(spec, [...path, "successPolicy"], findings);
  if (spec.podFailurePolicy !== undefined && spec.podReplacementPolicy === "TerminatingOrFailed")
    findings.add("invalid", [...path, "podReplacementPolicy"], "want Failed when there is a podFailurePolicy");
  if (spec.managedBy !== "" && !spec.managedBy.includes("/"))
    findings.add("invalid", [...path, "managedBy"], "want a domain, '/' and a name");
}

function checkTemplate({ template }: JobSpec, path: Path, findings: Findings): void {
  if (template === undefined) return;
  if (template.spec === undefined) {
    findings.add("required", [...path, "spec"], "this field is required");
    return;
  }
  const { restartPolicy } = template.spec;
  // What is no policy at all is told already.
  if (restartPolicy === "" || restartPolicy === "Always")
    findings.add(
      "invalid",
      [...path, "spec", "restartPolicy"],
      `want OnFailure or Never, found ${JSON.stringify(restartPolicy || "Always")}`,
    );
  checkPodSpec(template.spec, [...path, "spec"], findings);
}

function checkIndexed(spec: JobSpec, path: Path, findings: Findings): void {
  const { completions, parallelism = 1, backoffLimitPerIndex, maxFailedIndexes } = spec;
  const needsIndexed = "only with completionMode Indexed";
  if (backoffLimitPerIndex === undefined && maxFailedIndexes !== undefined)
    findings.add("required", [...path, "backoffLimitPerIndex"], "maxFailedIndexes needs this field");
  if (spec.completionMode !== "Indexed") {
    if (backoffLimitPerIndex !== undefined) findings.add("forbidden", [...path, "backoffLimitPerIndex"], needsIndexed);
    if (spec.successPolicy !== undefined) findings.add("forbidden", [...path, "successPolicy"], needsIndexed);
    return;
  }
  if (completions === undefined)
    findings.add("required", [...path, "completions"], "completionMode Indexed needs this field");
  if (parallelism > MOST_INDEXES)
    findings.add("invalid", [...path, "parallelism"], `want at most ${MOST_INDEXES}, found ${parallelism}`);
  if (backoffLimitPerIndex !== undefined && spec.template?.spec?.restartPolicy !== "Never")
    findings.add("forbidden", [...path, "backoffLimitPerIndex"], "only with restartPolicy Never");
  if (maxFailedIndexes !== undefined && maxFailedIndexes > (completions ?? 0))
    findings.add("invalid", [...path, "maxFailedIndexes"], `want at most completions (${completions ?? 0})`);
  if (backoffLimitPerIndex !== undefined && (completions ?? 0) > MOST_INDEXES) {
    if (maxFailedIndexes === undefined)
      findings.add("required", [...path, "maxFailedIndexes"], `more than ${MOST_INDEXES} completions need this field`);
    else if (maxFailedIndexes > MOST_FAILED_INDEXES)
      findings.add("invalid", [...path, "maxFailedIndexes"], `want at most ${MOST_FAILED_INDEXES}`);
  }
}

function checkFailurePolicy(spec: JobSpec, path: Path, findings: Findings): void {
  const { podFailurePolicy, template } = spec;
  if (podFailurePolicy === undefined) return;
  if (template?.spec !== undefined && template.spec.restartPolicy !== "Never")
    findings.add("forbidden", path, "only with restartPolicy Never");
  const { containers = [], initContainers = [] } = template?.spec ?? {};
  const names = new Set([...containers, ...initContainers].map(({ name }) => name));
  for (const [index, rule] of podFailurePolicy.rules.entries()) {
    const here = [...path, "rules", index];
    checkFailureRule(rule, names, here, findings);
    if (rule.action === "FailIndex" && spec.backoffLimitPerIndex === undefined)
      findings.add("forbidden", [...here, "action"], "FailIndex needs backoffLimitPerIndex");
  }
}

function checkFailureRule(
  rule: PodFailurePolicyRule,
  containers: ReadonlySet<string>,
  path: Path,
  findings: Findings,
): void {
  const { onExitCodes } = rule;
  const onPodConditions = rule.onPodConditions.length === 0 ? undefined : rule.onPodConditions;
  findings.exactlyOne({ onExitCodes, onPodConditions }, path);
  if (onExitCodes === undefined) return;
  const { containerName, operator, values } = onExitCodes;
  if (containerName !== undefined && !containers.has(containerName))
    findings.add(
      "not_found",
      [...path, "onExitCodes", "containerName"],
      `the pod has no container ${JSON.stringify(containerName)}`,
    );
  for (const [index, value] of values.entries()) {
    const here = [...path, "onExitCodes", "values", index];
    const before = values[index - 1];
    if (operator === "In" && value === 0)
      findings.add("invalid", here, "0 is success, which no failed container ends with");
    if (before !== undefined && before >= value) findings.add("invalid", here, "want ascending numbers, each once");
  }
}

function checkSuccessPolicy(spec: JobSpec, path: Path, findings: Findings): void {
  const completions = spec.completions ?? 0;
  for (const [index, { succeededIndexes, succeededCount }] of (spec.successPolicy?.rules ?? []).entries()) {
    const here = [...path, "rules", index];
    if (succeededIndexes === "" && succeededCount === undefined)
      findings.add("required", here, "want one of succeededIndexes, succeededCount");
    const indexes = parseIndexes(succeededIndexes, completions);
    if (indexes === undefined)
      findings.add(
        "invalid",
        [...here, "succeededIndexes"],
        `want ascending indexes below ${completions} such as 1,3-5, found ${JSON.stringify(succeededIndexes.slice(0, 80))}`,
      );
    const most = succeededIndexes === "" || indexes === undefined ? completions : indexes.size;
    if (succeededCount !== undefined && succeededCount > most)
      findings.add("invalid", [...here, "succeededCount"], `want at most ${most}, found ${succeededCount}`);
  }
}

/** Before creation nobody knows the uid: what the server fills in is checked there. */
function checkJobSelector({ metadata, spec }: Job, findings: Findings): void {
  if (spec?.selector !== undefined) checkSelectorParts(spec.selector, ["spec", "selector"], findings);
  const labels = spec?.template?.metadata?.labels ?? {};
  const path = ["spec", "template", "metadata", "labels"];
  if (spec?.manualSelector === true) {
    if (spec.selector === undefined) findings.add("required", ["spec", "selector"], "manualSelector needs this field");
    else if (!matchesSelector(spec.selector, labels))
      findings.add("invalid", path, "spec.selector does not select these labels");
    return;
  }
  if (metadata === undefined || metadata.uid === "" || spec?.selector === undefined) return;
  const { matchLabels, matchExpressions } = spec.selector;
  if (!deepEqual(matchLabels, { [CONTROLLER_UID]: metadata.uid }) || matchExpressions.length > 0)
    findings.add("invalid", ["spec", "selector"], "the server writes it, unless manualSelector is true: leave it out");
  for (const [key, value] of Object.entries(jobLabels(metadata.name, metadata.uid)))
    if (labels[key] !== value)
      findings.add("invalid", [...path, key], `want ${JSON.stringify(value)}, which the server writes, or nothing`);
}

function checkChange(spec: JobSpec, { spec: before, status }: Job, findings: Findings): void {
  if (before === undefined) return;
  const isElastic = spec.completionMode === "Indexed" && spec.completions === spec.parallelism;
  if (spec.completions !== before.completions && !isElastic)
    findings.add(
      "immutable",
      ["spec", "completions"],
      "this field cannot be changed, but together with parallelism, to the same number, in an indexed job",
    );
  const isIdle = before.suspend === true && (status?.startTime ?? "") === "";
  const after = isIdle ? withPlacement(spec.template, before.template) : spec.template;
  if (!deepEqual(after, before.template))
    findings.add("immutable", ["spec", "template"], "this field cannot be changed: delete the job and create it anew");
}

/** The template with everything put back that may change while a job is suspended and never ran. */
function withPlacement(
  template: PodTemplateSpec | undefined,
  before: PodTemplateSpec | undefined,
): PodTemplateSpec | undefined {
  if (template?.spec === undefined || before?.spec === undefined) return template;
  const { nodeSelector, affinity, tolerations, schedulingGates } = before.spec;
  return {
    ...template,
    metadata: before.metadata,
    spec: { ...template.spec, nodeSelector, affinity, tolerations, schedulingGates },
  };
}
