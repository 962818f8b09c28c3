import { nameOf } from "../create/pods.js";
import { RBAC_GROUP, subjectsOf } from "../create/rbac.js";
import { createMadeUp } from "../create/write.js";
import { CLUSTER_FLAGS, DRY_RUN_FLAGS, type Flags } from "../flags.js";
import { WRITTEN_FLAGS } from "../output/printer.js";
import { usageError, verb } from "../verb.js";

/** Flags that name who a binding is for. */
export const SUBJECT_FLAGS = {
  user: { type: "list", value: "NAMES", summary: "users that it is for" },
  group: { type: "list", value: "NAMES", summary: "groups that it is for" },
  serviceaccount: { type: "list", value: "NAMESPACE:NAME", summary: "service accounts that it is for" },
} as const satisfies Flags;

const BINDING_FLAGS = {
  clusterrole: { type: "text", value: "NAME", summary: "the cluster role that is given" },
  ...SUBJECT_FLAGS,
  ...DRY_RUN_FLAGS,
  ...WRITTEN_FLAGS,
  ...CLUSTER_FLAGS,
} as const satisfies Flags;

/** Gives the rights of a role within a namespace. */
export const createRoleBinding = verb({
  forms: [
    "create rolebinding NAME --role=NAME|--clusterrole=NAME [--user=…] [--group=…] [--serviceaccount=NAMESPACE:NAME]",
  ],
  flags: { role: { type: "text", value: "NAME", summary: "the role that is given" }, ...BINDING_FLAGS },
  operands: "words",
  run: async ({ flags, operands }, shell) => {
    const { role, clusterrole } = flags;
    if ((role === undefined) === (clusterrole === undefined)) throw usageError("say which: --role or --clusterrole");
    const kind = role === undefined ? "ClusterRole" : "Role";
    return createMadeUp(flags, shell, {
      apiVersion: `${RBAC_GROUP}/v1`,
      kind: "RoleBinding",
      metadata: { name: nameOf(operands, "role binding") },
      roleRef: { apiGroup: RBAC_GROUP, kind, name: role ?? clusterrole ?? "" },
      subjects: subjectsOf(flags),
    });
  },
});

/** Gives the rights of a cluster role in all namespaces. */
export const createClusterRoleBinding = verb({
  forms: ["create clusterrolebinding NAME --clusterrole=NAME [--user=…] [--group=…] [--serviceaccount=NAMESPACE:NAME]"],
  flags: BINDING_FLAGS,
  operands: "words",
  run: async ({ flags, operands }, shell) => {
    if (flags.clusterrole === undefined) throw usageError("say which role: --clusterrole=NAME");
    return createMadeUp(flags, shell, {
      apiVersion: `${RBAC_GROUP}/v1`,
      kind: "ClusterRoleBinding",
      metadata: { name: nameOf(operands, "cluster role binding") },
      roleRef: { apiGroup: RBAC_GROUP, kind: "ClusterRole", name: flags.clusterrole },
      subjects: subjectsOf(flags),
    });
  },
});
