import { pairsOf } from "../create/pairs.js";
import { nameOf } from "../create/pods.js";
import { RBAC_GROUP, rulesOf, split } from "../create/rbac.js";
import { createMadeUp } from "../create/write.js";
import { CLUSTER_FLAGS, DRY_RUN_FLAGS } from "../flags.js";
import { WRITTEN_FLAGS } from "../output/printer.js";
import { usageError, verb } from "../verb.js";

const RULE_FLAGS = {
  verb: { type: "list", value: "VERBS", summary: "what may be done: get,list,watch,create,update,patch,delete or *" },
  resource: { type: "list", value: "RESOURCES", summary: "with what: pods,deployments.apps,pods/log or *" },
  resourceName: { type: "list", value: "NAMES", summary: "only with the objects of these names" },
  ...DRY_RUN_FLAGS,
  ...WRITTEN_FLAGS,
  ...CLUSTER_FLAGS,
} as const;

/** Rights within a namespace. */
export const createRole = verb({
  forms: ["create role NAME --verb=VERB,… --resource=RESOURCE,… [--resource-name=NAME,…]"],
  examples: [["create role reader --verb=get,list,watch --resource=pods,services", "may look at pods and services"]],
  flags: RULE_FLAGS,
  operands: "words",
  run: async ({ flags, operands }, shell) => {
    const resources = split(flags.resource);
    if (resources.length === 0) throw usageError("say with what: --resource=pods");
    return createMadeUp(flags, shell, {
      apiVersion: `${RBAC_GROUP}/v1`,
      kind: "Role",
      metadata: { name: nameOf(operands, "role") },
      rules: rulesOf(split(flags.verb), resources, split(flags.resourceName)),
    });
  },
});

/** Rights in all namespaces, and to what is in none. */
export const createClusterRole = verb({
  forms: [
    "create clusterrole NAME --verb=VERB,… --resource=RESOURCE,… [--resource-name=NAME,…]",
    "create clusterrole NAME --verb=VERB,… --non-resource-url=PATH,…",
    "create clusterrole NAME --aggregation-rule=LABEL=VALUE,…",
  ],
  flags: {
    nonResourceUrl: { type: "list", value: "PATHS", summary: "paths of the API that are no objects" },
    aggregationRule: { type: "text", value: "LABELS", summary: "the rules of all roles with these labels" },
    ...RULE_FLAGS,
  },
  operands: "words",
  run: async ({ flags, operands }, shell) => {
    const head = {
      apiVersion: `${RBAC_GROUP}/v1`,
      kind: "ClusterRole",
      metadata: { name: nameOf(operands, "cluster role") },
    };
    const [resources, nonResourceURLs] = [split(flags.resource), split(flags.nonResourceUrl)];
    if (flags.aggregationRule !== undefined) {
      const matchLabels = pairsOf("--aggregation-rule", flags.aggregationRule.split(","));
      return createMadeUp(flags, shell, { ...head, aggregationRule: { clusterRoleSelectors: [{ matchLabels }] } });
    }
    if (resources.length + nonResourceURLs.length === 0)
      throw usageError("say with what: --resource=pods or --non-resource-url=/metrics");
    const verbs = split(flags.verb);
    const urls = nonResourceURLs.length === 0 ? [] : [{ verbs, nonResourceURLs }];
    const rules = [...rulesOf(verbs, resources, split(flags.resourceName)), ...urls];
    return createMadeUp(flags, shell, { ...head, rules });
  },
});
