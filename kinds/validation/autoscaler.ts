import type {
  HorizontalPodAutoscaler,
  HorizontalPodAutoscalerSpec,
  MetricSpec,
  MetricTarget,
} from "../../proto/gen/tallship/v1/horizontalpodautoscaler.js";
import type { Findings, Path } from "./findings.js";

/** Bounds in their order, metrics that can be compared with something, and no replicas only where something can bring them back. */
export function checkAutoscaler({ spec }: HorizontalPodAutoscaler, findings: Findings): void {
  if (spec === undefined) {
    findings.add("required", ["spec"], "this field is required");
    return;
  }
  checkBounds(spec, findings);
  for (const [index, metric] of spec.metrics.entries()) checkMetric(metric, ["spec", "metrics", index], findings);
  if (spec.targetCPUUtilizationPercentage !== undefined && spec.metrics.length > 0)
    findings.add(
      "forbidden",
      ["spec", "targetCPUUtilizationPercentage"],
      "the form of autoscaling/v1 does not go together with metrics",
    );
}

function checkBounds(spec: HorizontalPodAutoscalerSpec, findings: Findings): void {
  const { minReplicas = 1, maxReplicas, metrics } = spec;
  if (maxReplicas > 0 && maxReplicas < minReplicas)
    findings.add(
      "invalid",
      ["spec", "maxReplicas"],
      `want at least minReplicas (${minReplicas}), found ${maxReplicas}`,
    );
  if (minReplicas === 0 && !metrics.some(({ type }) => type === "Object" || type === "External"))
    findings.add(
      "forbidden",
      ["spec", "minReplicas"],
      "must specify at least one Object or External metric to support scaling to zero replicas",
    );
}

/** The name of each type's field. */
const FIELD_OF_TYPE: Readonly<Record<string, Exclude<keyof MetricSpec, "type">>> = {
  Object: "object",
  Pods: "pods",
  Resource: "resource",
  ContainerResource: "containerResource",
  External: "external",
};

/** What each type can be compared with. */
const VALUES_OF_TYPE: Readonly<Record<string, readonly ("value" | "averageValue" | "averageUtilization")[]>> = {
  Object: ["value", "averageValue"],
  Pods: ["averageValue"],
  Resource: ["averageUtilization", "averageValue"],
  ContainerResource: ["averageUtilization", "averageValue"],
  External: ["value", "averageValue"],
};

function checkMetric(metric: MetricSpec, path: Path, findings: Findings): void {
  const wanted = FIELD_OF_TYPE[metric.type];
  if (wanted === undefined) return; // The rules of the schema name what is allowed.
  if (metric[wanted] === undefined)
    findings.add("required", [...path, wanted], `must populate information for the given metric source`);
  for (const field of Object.values(FIELD_OF_TYPE))
    if (field !== wanted && metric[field] !== undefined)
      findings.add("forbidden", [...path, field], `must populate the given metric source only`);
  const name = (metric.resource ?? metric.containerResource)?.name ?? "";
  if (name !== "" && name !== "cpu" && name !== "memory")
    findings.add("invalid", [...path, wanted, "name"], `want cpu or memory, found ${JSON.stringify(name)}`);
  const target = metric[wanted]?.target;
  if (target !== undefined) checkTarget(metric.type, target, [...path, wanted, "target"], findings);
}

function checkTarget(type: string, target: MetricTarget, path: Path, findings: Findings): void {
  const allowed = VALUES_OF_TYPE[type] ?? [];
  const present = (["value", "averageValue", "averageUtilization"] as const).filter(
    (name) => target[name] !== undefined && target[name] !== "",
  );
  for (const name of present)
    if (!allowed.includes(name)) findings.add("forbidden", [...path, name], `not with metrics of type ${type}`);
  const [first, second] = present;
  if (first === undefined) findings.add("required", path, `want ${allowed.join(" or ")}`);
  if (first !== undefined && second !== undefined)
    findings.add("forbidden", [...path, second], `may not set both ${first} and ${second}`);
  for (const name of ["value", "averageValue"] as const)
    if (/^[-+]?0*(\.0*)?[a-zA-Z]*$|^-/.test(target[name]) && target[name] !== "")
      findings.add("invalid", [...path, name], `want more than 0, found ${JSON.stringify(target[name])}`);
}
