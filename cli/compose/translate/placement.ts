import type { Located } from "../model/reader.js";
import { noteField, type ServiceContext } from "./context.js";
import { dnsName, PROJECT_LABEL, SERVICE_LABEL } from "./names.js";
import { at, type Part } from "./part.js";

const NODE_KEYS: Readonly<Record<string, string>> = {
  "node.hostname": "kubernetes.io/hostname",
  "node.platform.os": "kubernetes.io/os",
  "node.platform.arch": "kubernetes.io/arch",
};

/** Where the pods may run: placement constraints, the platform, and how many on one node. */
export function placementParts(context: ServiceContext): { readonly nodeSelector?: Part; readonly affinity?: Part } {
  const { deploy, platform } = context.service.model;
  const { constraints, preferences, max_replicas_per_node } = deploy?.value.placement?.value ?? {};
  const selector: Record<string, Part> = {};
  const expressions: Part[] = [];
  if (platform !== undefined) {
    const [os = "linux", arch = ""] = platform.value.split("/");
    selector["kubernetes.io/os"] = at(platform.place, os);
    if (arch !== "") selector["kubernetes.io/arch"] = at(platform.place, arch);
  }
  for (const constraint of constraints?.value ?? []) {
    const rule = ruleOf(constraint, context);
    if (rule === undefined) continue;
    if (rule.operator === "In") selector[rule.key] = at(constraint.place, rule.value);
    else
      expressions.push(
        at(constraint.place, {
          key: rule.key,
          operator: rule.operator,
          ...(rule.operator === "NotIn" ? { values: [rule.value] } : {}),
        }),
      );
  }
  if (preferences !== undefined)
    noteField(
      context,
      "deploy",
      preferences.place,
      "preferences have no effect; pods are spread over the nodes anyway",
    );
  const nodeAffinity =
    expressions.length === 0
      ? undefined
      : { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: expressions }] } };
  const podAntiAffinity = apart(max_replicas_per_node, context);
  return {
    nodeSelector: Object.keys(selector).length === 0 ? undefined : selector,
    affinity:
      nodeAffinity === undefined && podAntiAffinity === undefined ? undefined : { nodeAffinity, podAntiAffinity },
  };
}

interface Rule {
  readonly key: string;
  readonly operator: "In" | "NotIn" | "Exists" | "DoesNotExist";
  readonly value: string;
}

function ruleOf({ value: text, place }: Located<string>, context: ServiceContext): Rule | undefined {
  const match = /^\s*([A-Za-z0-9_.\-/]+)\s*(==|!=)\s*(.+?)\s*$/.exec(text);
  const [, name = "", sign = "", value = ""] = match ?? [];
  const key = NODE_KEYS[name] ?? (name.startsWith("node.labels.") ? name.slice("node.labels.".length) : undefined);
  if (name === "node.role") {
    const isControlPlane = (value === "manager") === (sign === "==");
    return {
      key: "node-role.kubernetes.io/control-plane",
      operator: isControlPlane ? "Exists" : "DoesNotExist",
      value: "",
    };
  }
  if (match === null) {
    context.tell.problem(
      place,
      [...context.path, "deploy"],
      `want node.labels.NAME == VALUE, found ${JSON.stringify(text)}`,
    );
    return undefined;
  }
  if (key === undefined) {
    noteField(
      context,
      "deploy",
      place,
      `constraint ${text} has no effect: use node.labels, node.hostname, node.role or node.platform`,
    );
    return undefined;
  }
  return { key, operator: sign === "==" ? "In" : "NotIn", value };
}

function apart(most: Located<number> | undefined, context: ServiceContext): Part {
  if (most === undefined || most.value === 0) return undefined;
  if (most.value > 1) {
    noteField(context, "deploy", most.place, "only max_replicas_per_node 1 is kept");
    return undefined;
  }
  const matchLabels = { [PROJECT_LABEL]: context.name, [SERVICE_LABEL]: dnsName(context.service.name) };
  const term = { topologyKey: "kubernetes.io/hostname", labelSelector: { matchLabels } };
  return at(most.place, { requiredDuringSchedulingIgnoredDuringExecution: [term] });
}
