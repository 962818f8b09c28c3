import type { VerbRow } from "../verb.js";
import { CONTAINER_VERBS } from "./containers.js";
import { CONFIG_VERBS, CREATE_VERBS, IMAGE_VERBS, NETWORK_VERBS, ROLLOUT_VERBS, SET_VERBS } from "./groups.js";
import { KUBECTL_REFUSED } from "./kubectl-refused.js";

/** Verbs of docker's compose that are not there, each with what does it here. */
function refusedOfCompose(all: Readonly<Record<string, string>>): readonly VerbRow[] {
  return Object.entries(all).map(([name, instead]) => ({
    name: `compose ${name}`,
    summary: "not supported",
    isHidden: true,
    load: async () => (await import("./compose-refused.js")).composeRefused(name, instead),
  }));
}

/** Every verb of tsctl, in the order of the overview. A new verb is a file beside this one and a row here; the verbs of large groups have theirs in groups.ts. */
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
  {
    name: "compose up",
    summary: "start the services of compose files",
    load: async () => (await import("./compose-up.js")).composeUp,
  },
  {
    name: "compose down",
    summary: "stop and remove a compose project",
    load: async () => (await import("./compose-down.js")).composeDown,
  },
  {
    name: "compose ps",
    summary: "list a project's containers",
    load: async () => (await import("./compose-ps.js")).composePs,
  },
  {
    name: "compose logs",
    summary: "print what a project's containers wrote",
    load: async () => (await import("./compose-logs.js")).composeLogs,
  },
  {
    name: "compose config",
    aliases: ["compose convert"],
    summary: "print a project as all its files say it",
    load: async () => (await import("./compose-config.js")).composeConfig,
  },
  {
    name: "compose exec",
    summary: "run a command in a service's container",
    load: async () => (await import("./compose-exec.js")).composeExec,
  },
  {
    name: "compose stop",
    summary: "stop services",
    load: async () => (await import("./compose-stop.js")).composeStop,
  },
  {
    name: "compose start",
    summary: "start stopped services",
    load: async () => (await import("./compose-start.js")).composeStart,
  },
  {
    name: "compose restart",
    summary: "replace the containers of services",
    load: async () => (await import("./compose-restart.js")).composeRestart,
  },
  {
    name: "compose kill",
    summary: "end containers at once",
    load: async () => (await import("./compose-kill.js")).composeKill,
  },
  {
    name: "compose rm",
    summary: "remove stopped services",
    load: async () => (await import("./compose-rm.js")).composeRm,
  },
  {
    name: "compose images",
    summary: "list the images of a project",
    load: async () => (await import("./compose-images.js")).composeImages,
  },
  {
    name: "compose port",
    summary: "tell where a service's port is open",
    load: async () => (await import("./compose-port.js")).composePort,
  },
  {
    name: "compose ls",
    summary: "list projects",
    load: async () => (await import("./compose-ls.js")).composeLs,
  },
  {
    name: "compose run",
    summary: "run a service's container once, with another command",
    load: async () => (await import("./compose-run.js")).composeRun,
  },
  {
    name: "compose cp",
    summary: "copy files into and out of a service's container",
    load: async () => (await import("./compose-cp.js")).composeCp,
  },
  {
    name: "compose top",
    summary: "tell what runs in a project's containers",
    load: async () => (await import("./compose-top.js")).composeTop,
  },
  {
    name: "compose events",
    summary: "follow what happens to a project",
    load: async () => (await import("./compose-events.js")).composeEvents,
  },
  {
    name: "compose pull",
    summary: "have the nodes pull a project's images",
    load: async () => (await import("./compose-pull.js")).composePull,
  },
  {
    name: "compose build",
    summary: "build the images of a project",
    load: async () => (await import("./compose-build.js")).composeBuild,
  },
  {
    name: "compose push",
    summary: "send the images that a project builds to registries",
    load: async () => (await import("./compose-push.js")).composePush,
  },
  {
    name: "compose scale",
    summary: "set the number of a service's containers",
    load: async () => (await import("./compose-scale.js")).composeScale,
  },
  {
    name: "compose attach",
    summary: "join a service's container",
    load: async () => (await import("./compose-attach.js")).composeAttach,
  },
  {
    name: "compose stats",
    summary: "show what a project's containers use, live",
    load: async () => (await import("./compose-stats.js")).composeStats,
  },
  {
    name: "compose wait",
    summary: "wait until containers of services have ended",
    load: async () => (await import("./compose-wait.js")).composeWait,
  },
  {
    name: "compose version",
    summary: "tell this program's version",
    load: async () => (await import("./compose-version.js")).composeVersion,
  },
  ...refusedOfCompose({
    pause: "use stop",
    create: "up -d makes the containers and starts them; config --objects shows what they become",
    unpause: "nothing is paused; start brings back what was stopped",
    watch: "build the image and up again: compose up -d --build",
    commit: "use tsctl commit -n PROJECT CONTAINER NAME",
    export: "use tsctl export -n PROJECT CONTAINER",
  }),
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
