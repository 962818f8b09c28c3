import type { VerbRow } from "../verb.js";
import { COMPOSE_VERBS } from "./compose.js";
import { CONTAINER_VERBS } from "./containers.js";
import { CONFIG_VERBS, CREATE_VERBS, IMAGE_VERBS, NETWORK_VERBS, ROLLOUT_VERBS, SET_VERBS } from "./groups.js";
import { KUBECTL_REFUSED } from "./kubectl-refused.js";

/** Every verb of tsctl, in the order of the overview. A new verb is a file beside this one and a row here; the verbs of large groups have theirs in groups.ts, containers.ts and compose.ts. */
export const VERBS: readonly VerbRow[] = [
  {
    name: "apply",
    summary: "make the cluster's objects as files say",
    load: async () => (await import("./apply.js")).apply,
  },
  {
    name: "diff",
    summary: "show what an apply would change",
    load: async () => (await import("./diff.js")).diff,
  },
  {
    name: "plan",
    summary: "show where the pods of files would run, and what would not fit",
    load: async () => (await import("./plan.js")).plan,
  },
  {
    name: "undo",
    summary: "bring a set of objects back to an earlier apply",
    load: async () => (await import("./undo.js")).undo,
  },
  {
    name: "kustomize",
    summary: "print the objects that a kustomization makes",
    load: async () => (await import("./kustomize.js")).kustomize,
  },
  {
    name: "create",
    summary: "make objects that are not there yet",
    load: async () => (await import("./create.js")).create,
  },
  ...CREATE_VERBS,
  {
    name: "expose",
    summary: "make a service of what runs",
    load: async () => (await import("./expose.js")).expose,
  },
  { name: "get", summary: "list objects", load: async () => (await import("./get.js")).get },
  {
    name: "describe",
    summary: "tell what is known of objects, and why they are as they are",
    load: async () => (await import("./describe.js")).describe,
  },
  {
    name: "why",
    summary: "tell why a pod does not run, and what would help",
    load: async () => (await import("./why.js")).why,
  },
  {
    name: "net trace",
    summary: "tell where connections to a service go, and why to no other endpoint",
    load: async () => (await import("./net-trace.js")).netTrace,
  },
  {
    name: "net check",
    summary: "tell how nodes reach each other, and what is at fault where they do not",
    load: async () => (await import("./net-check.js")).netCheck,
  },
  {
    name: "net show",
    summary: "tell how nodes are connected, and which addresses they announce",
    load: async () => (await import("./net-show.js")).netShow,
  },
  {
    name: "ports",
    summary: "tell which addresses and ports lead into the cluster, and from where they are reached",
    load: async () => (await import("./ports.js")).ports,
  },
  {
    name: "when",
    summary: "tell when pods that wait get a node, as far as that is known",
    load: async () => (await import("./when.js")).when,
  },
  {
    name: "top nodes",
    aliases: ["top node", "top no"],
    summary: "show what nodes use and have reserved",
    load: async () => (await import("./top-nodes.js")).topNodes,
  },
  {
    name: "top pods",
    aliases: ["top pod", "top po"],
    summary: "show what pods use and have reserved",
    load: async () => (await import("./top-pods.js")).topPods,
  },
  { name: "delete", summary: "delete objects", load: async () => (await import("./delete.js")).deleteVerb },
  ...CONTAINER_VERBS,
  {
    name: "logs",
    aliases: ["container logs"],
    summary: "print what containers wrote",
    load: async () => (await import("./logs.js")).logs,
  },
  {
    name: "exec",
    aliases: ["container exec"],
    summary: "run a command in a container",
    load: async () => (await import("./exec.js")).exec,
  },
  { name: "scale", summary: "set the number of replicas", load: async () => (await import("./scale.js")).scale },
  {
    name: "replace",
    summary: "write objects whole over those that stand",
    load: async () => (await import("./replace.js")).replace,
  },
  {
    name: "edit",
    summary: "change objects in your editor",
    load: async () => (await import("./edit.js")).edit,
  },
  {
    name: "patch",
    summary: "change fields of objects",
    load: async () => (await import("./patch.js")).patch,
  },
  ...ROLLOUT_VERBS,
  ...SET_VERBS,
  {
    name: "autoscale",
    summary: "let the number of replicas follow the load",
    load: async () => (await import("./autoscale.js")).autoscale,
  },
  {
    name: "label",
    summary: "set or remove labels",
    load: async () => (await import("./label.js")).label,
  },
  {
    name: "annotate",
    summary: "set or remove annotations",
    load: async () => (await import("./annotate.js")).annotate,
  },
  {
    name: "cordon",
    summary: "close nodes for new pods",
    load: async () => (await import("./cordon.js")).cordon,
  },
  {
    name: "uncordon",
    summary: "open nodes for new pods again",
    load: async () => (await import("./uncordon.js")).uncordon,
  },
  {
    name: "drain",
    summary: "empty nodes for maintenance, within disruption budgets",
    load: async () => (await import("./drain.js")).drain,
  },
  {
    name: "rebalance",
    summary: "move pods to better nodes, within disruption budgets",
    load: async () => (await import("./rebalance.js")).rebalance,
  },
  {
    name: "taint",
    summary: "set or remove taints of nodes",
    load: async () => (await import("./taint.js")).taint,
  },
  {
    name: "wait",
    aliases: ["container wait"],
    summary: "wait until objects are as asked",
    load: async () => (await import("./wait.js")).wait,
  },
  {
    name: "events",
    aliases: ["system events"],
    summary: "tell what has happened lately",
    load: async () => (await import("./events.js")).events,
  },
  ...COMPOSE_VERBS,
  ...IMAGE_VERBS,
  ...NETWORK_VERBS,
  {
    name: "token create",
    summary: "make a token that lets hosts join",
    load: async () => (await import("./token-create.js")).tokenCreate,
  },
  {
    name: "token list",
    summary: "list the tokens that can still be used",
    load: async () => (await import("./token-list.js")).tokenList,
  },
  {
    name: "token revoke",
    summary: "make tokens useless at once",
    load: async () => (await import("./token-revoke.js")).tokenRevoke,
  },
  ...CONFIG_VERBS,
  ...KUBECTL_REFUSED,
  {
    name: "explain",
    summary: "tell what a kind and its fields mean",
    load: async () => (await import("./explain.js")).explain,
  },
  {
    name: "api-resources",
    summary: "list the kinds there are",
    load: async () => (await import("./api-resources.js")).apiResources,
  },
  {
    name: "api-versions",
    summary: "list the API versions there are",
    load: async () => (await import("./api-versions.js")).apiVersions,
  },
  {
    name: "cluster-info",
    summary: "tell where the control planes are",
    load: async () => (await import("./cluster-info.js")).clusterInfo,
  },
  {
    name: "auth whoami",
    summary: "tell who you are to the cluster",
    load: async () => (await import("./auth-whoami.js")).authWhoami,
  },
  {
    name: "auth can-i",
    summary: "tell whether you may do something",
    load: async () => (await import("./auth-can-i.js")).authCanI,
  },
  {
    name: "doctor",
    summary: "check this machine's way to the cluster",
    load: async () => (await import("./doctor.js")).doctor,
  },
  {
    name: "completion",
    summary: "print the script that completes commands in a shell",
    load: async () => (await import("./completion.js")).completion,
  },
  {
    name: "version",
    summary: "tell the versions here and there",
    load: async () => (await import("./version.js")).version,
  },
];
