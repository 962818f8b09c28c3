import type {
  ClusterRole,
  ClusterRoleBinding,
  PolicyRule,
  Role,
  RoleBinding,
  Subject,
} from "../../proto/gen/tallship/v1/rbac.js";
import type { Findings, Path } from "./findings.js";
import { checkSelectorParts } from "./selector.js";

/** Rules about resources alone. */
export function checkRole({ rules }: Role, findings: Findings): void {
  for (const [index, rule] of rules.entries()) checkRule(rule, ["rules", index], findings, false);
}

/** Rules about resources or paths, and sound selectors. */
export function checkClusterRole({ rules, aggregationRule }: ClusterRole, findings: Findings): void {
  for (const [index, rule] of rules.entries()) checkRule(rule, ["rules", index], findings, true);
  if (aggregationRule === undefined) return;
  const path = ["aggregationRule", "clusterRoleSelectors"];
  if (aggregationRule.clusterRoleSelectors.length === 0) findings.add("required", path, "this field is required");
  for (const [index, selector] of aggregationRule.clusterRoleSelectors.entries())
    checkSelectorParts(selector, [...path, index], findings);
}

/** Subjects that can be told apart. */
export function checkRoleBinding({ subjects }: RoleBinding, findings: Findings): void {
  checkSubjects(subjects, findings);
}

/** Subjects that can be told apart, and a role that holds everywhere. */
export function checkClusterRoleBinding({ subjects, roleRef }: ClusterRoleBinding, findings: Findings): void {
  checkSubjects(subjects, findings);
  if (roleRef?.kind === "Role") findings.add("invalid", ["roleRef", "kind"], 'want ClusterRole, found "Role"');
}

function checkRule(rule: PolicyRule, path: Path, findings: Findings, isPathAllowed: boolean): void {
  const { nonResourceURLs, apiGroups, resources } = rule;
  if (nonResourceURLs.length > 0) {
    const where = [...path, "nonResourceURLs"];
    if (!isPathAllowed) findings.add("forbidden", where, "only in a ClusterRole");
    if (apiGroups.length > 0 || resources.length > 0)
      findings.add("forbidden", where, "one rule is about resources or about paths, not both");
    return;
  }
  if (apiGroups.length === 0) findings.add("required", [...path, "apiGroups"], "a rule about resources names groups");
  if (resources.length === 0) findings.add("required", [...path, "resources"], "this field is required");
}

function checkSubjects(subjects: readonly Subject[], findings: Findings): void {
  for (const [index, { kind, apiGroup, namespace }] of subjects.entries()) {
    const path = ["subjects", index];
    const isAccount = kind === "ServiceAccount";
    if (isAccount && namespace === "")
      findings.add("required", [...path, "namespace"], "a service account has a namespace");
    const group = isAccount ? "" : "rbac.authorization.k8s.io";
    if (kind !== "" && apiGroup !== group)
      findings.add(
        "invalid",
        [...path, "apiGroup"],
        `want ${JSON.stringify(group)}, found ${JSON.stringify(apiGroup)}`,
      );
  }
}
