import type { VerbRow } from "../verb.js";

/** What can be created without a file. */
export const CREATE_VERBS: readonly VerbRow[] = [
  {
    name: "create namespace",
    summary: "make a namespace",
    aliases: ["create ns"],
    load: async () => (await import("./create-namespace.js")).createNamespace,
  },
  {
    name: "create configmap",
    summary: "make a config of values and files",
    aliases: ["create cm"],
    load: async () => (await import("./create-configmap.js")).createConfigMap,
  },
  {
    name: "create secret",
    summary: "make a secret of values and files",
    load: async () => (await import("./create-secret.js")).createSecret,
  },
  {
    name: "create deployment",
    summary: "make a deployment of an image",
    aliases: ["create deploy"],
    load: async () => (await import("./create-deployment.js")).createDeployment,
  },
  {
    name: "create job",
    summary: "make a job of an image or a cron job",
    load: async () => (await import("./create-job.js")).createJob,
  },
  {
    name: "create cronjob",
    summary: "make a cron job of an image",
    aliases: ["create cj"],
    load: async () => (await import("./create-cronjob.js")).createCronJob,
  },
  {
    name: "create service",
    summary: "make a service",
    aliases: ["create svc"],
    load: async () => (await import("./create-service.js")).createService,
  },
  {
    name: "create serviceaccount",
    summary: "make a service account",
    aliases: ["create sa"],
    load: async () => (await import("./create-serviceaccount.js")).createServiceAccount,
  },
  {
    name: "create quota",
    summary: "make a resource quota",
    aliases: ["create resourcequota"],
    load: async () => (await import("./create-quota.js")).createQuota,
  },
  {
    name: "create priorityclass",
    summary: "make a priority class",
    aliases: ["create pc"],
    load: async () => (await import("./create-priorityclass.js")).createPriorityClass,
  },
  {
    name: "create poddisruptionbudget",
    summary: "make a bound for evictions",
    aliases: ["create pdb"],
    load: async () => (await import("./create-poddisruptionbudget.js")).createPodDisruptionBudget,
  },
  {
    name: "create ingress",
    summary: "make an ingress of hosts and paths",
    aliases: ["create ing"],
    load: async () => (await import("./create-ingress.js")).createIngress,
  },
  {
    name: "create token",
    summary: "not supported",
    isHidden: true,
    load: async () => (await import("./create-token.js")).createToken,
  },
  {
    name: "create role",
    summary: "make a role within a namespace",
    load: async () => (await import("./create-role.js")).createRole,
  },
  {
    name: "create clusterrole",
    summary: "make a role of the whole cluster",
    load: async () => (await import("./create-role.js")).createClusterRole,
  },
  {
    name: "create rolebinding",
    summary: "give a role within a namespace",
    load: async () => (await import("./create-rolebinding.js")).createRoleBinding,
  },
  {
    name: "create clusterrolebinding",
    summary: "give a role of the whole cluster",
    load: async () => (await import("./create-rolebinding.js")).createClusterRoleBinding,
  },
];

/** What can be done with roll-outs. */
export const ROLLOUT_VERBS: readonly VerbRow[] = [
  {
    name: "rollout status",
    summary: "tell how a roll-out moves on, until it is through",
    load: async () => (await import("./rollout-status.js")).rolloutStatus,
  },
  {
    name: "rollout history",
    summary: "list the revisions of a roll-out",
    load: async () => (await import("./rollout-history.js")).rolloutHistory,
  },
  {
    name: "rollout undo",
    summary: "go back to an earlier revision",
    load: async () => (await import("./rollout-undo.js")).rolloutUndo,
  },
  {
    name: "rollout pause",
    summary: "let changes of a template wait",
    load: async () => (await import("./rollout-pause.js")).rolloutPause,
  },
  {
    name: "rollout resume",
    summary: "roll out what has waited",
    load: async () => (await import("./rollout-resume.js")).rolloutResume,
  },
  {
    name: "rollout restart",
    summary: "replace all pods by new ones",
    load: async () => (await import("./rollout-restart.js")).rolloutRestart,
  },
];

/** Parts of objects that have a command of their own. */
export const SET_VERBS: readonly VerbRow[] = [
  {
    name: "set image",
    summary: "give containers other images",
    load: async () => (await import("./set-image.js")).setImage,
  },
  {
    name: "set env",
    summary: "set or remove variables of containers",
    load: async () => (await import("./set-env.js")).setEnv,
  },
  {
    name: "set resources",
    summary: "set limits and requests of containers",
    load: async () => (await import("./set-resources.js")).setResources,
  },
  {
    name: "set serviceaccount",
    aliases: ["set sa"],
    summary: "let pods run as another service account",
    load: async () => (await import("./set-serviceaccount.js")).setServiceAccount,
  },
  {
    name: "set selector",
    summary: "let a service choose other pods",
    load: async () => (await import("./set-selector.js")).setSelector,
  },
  {
    name: "set subject",
    summary: "add users, groups and accounts to bindings",
    load: async () => (await import("./set-subject.js")).setSubject,
  },
];

/** What can be done with the context file. */
export const CONFIG_VERBS: readonly VerbRow[] = [
  {
    name: "config view",
    summary: "show the contexts, without their keys",
    load: async () => (await import("./config-view.js")).configView,
  },
  {
    name: "config use-context",
    summary: "choose the context that is used from now on",
    load: async () => (await import("./config-use-context.js")).configUseContext,
  },
  {
    name: "config get-contexts",
    summary: "list the contexts",
    load: async () => (await import("./config-get-contexts.js")).configGetContexts,
  },
  {
    name: "config current-context",
    summary: "tell which context is used",
    load: async () => (await import("./config-current-context.js")).configCurrentContext,
  },
  {
    name: "config set-context",
    summary: "change or make a context",
    load: async () => (await import("./config-set-context.js")).configSetContext,
  },
  {
    name: "config rename-context",
    summary: "give a context another name",
    load: async () => (await import("./config-rename-context.js")).configRenameContext,
  },
  {
    name: "config delete-context",
    summary: "remove a context",
    load: async () => (await import("./config-delete-context.js")).configDeleteContext,
  },
  {
    name: "config set-namespace",
    summary: "choose the namespace of objects that name none",
    load: async () => (await import("./config-set-namespace.js")).configSetNamespace,
  },
];

/** What is done with the images that the cluster holds itself. */
export const IMAGE_VERBS: readonly VerbRow[] = [
  {
    name: "build",
    summary: "build an image of a Dockerfile, on a node of the cluster",
    aliases: ["image build", "buildx build", "builder build"],
    load: async () => (await import("./build.js")).build,
  },
  {
    name: "image load",
    aliases: ["load"],
    summary: "take images of an archive into the cluster",
    load: async () => (await import("./image-load.js")).imageLoad,
  },
  {
    name: "import",
    aliases: ["image import"],
    summary: "make an image of a root file system in an archive",
    load: async () => (await import("./import.js")).importVerb,
  },
  {
    name: "image save",
    aliases: ["save"],
    summary: "write images of the cluster as an archive",
    load: async () => (await import("./image-save.js")).imageSave,
  },
  {
    name: "image ls",
    aliases: ["images", "image list"],
    summary: "list the images of the cluster",
    load: async () => (await import("./image-ls.js")).imageLs,
  },
  {
    name: "image inspect",
    summary: "print what an image says of itself",
    load: async () => (await import("./image-inspect.js")).imageInspect,
  },
  {
    name: "image history",
    aliases: ["history"],
    summary: "print the steps that made an image",
    load: async () => (await import("./image-history.js")).imageHistory,
  },
  {
    name: "image tag",
    aliases: ["tag"],
    summary: "give an image a further name",
    load: async () => (await import("./image-tag.js")).imageTag,
  },
  {
    name: "image rm",
    aliases: ["rmi", "image remove"],
    summary: "take names of images away",
    load: async () => (await import("./image-rm.js")).imageRm,
  },
  {
    name: "image prune",
    summary: "have the nodes drop images that nothing uses",
    load: async () => (await import("./image-prune.js")).imagePrune,
  },
  {
    name: "pull",
    aliases: ["image pull"],
    summary: "have the nodes pull an image from its registry",
    load: async () => (await import("./pull.js")).pull,
  },
  {
    name: "push",
    aliases: ["image push"],
    summary: "send an image of the cluster to a registry",
    load: async () => (await import("./push.js")).push,
  },
  {
    name: "search",
    aliases: ["image search"],
    summary: "look for images in the cluster or in a registry",
    load: async () => (await import("./search.js")).search,
  },
  {
    name: "login",
    summary: "keep credentials for a registry that a namespace's pods pull from",
    load: async () => (await import("./login.js")).login,
  },
  {
    name: "logout",
    summary: "forget credentials for a registry",
    load: async () => (await import("./logout.js")).logout,
  },
];

/** Networks that containers join, as docker has them. */
export const NETWORK_VERBS: readonly VerbRow[] = [
  {
    name: "network create",
    summary: "make a network that containers can be on",
    load: async () => (await import("./network-create.js")).networkCreate,
  },
  {
    name: "network ls",
    aliases: ["network list"],
    summary: "list the networks of a namespace",
    load: async () => (await import("./network-ls.js")).networkLs,
  },
  {
    name: "network inspect",
    summary: "print what is known of a network, and who is on it",
    load: async () => (await import("./network-inspect.js")).networkInspect,
  },
  {
    name: "network rm",
    aliases: ["network remove"],
    summary: "remove networks",
    load: async () => (await import("./network-rm.js")).networkRm,
  },
  {
    name: "network prune",
    summary: "remove networks that no container is on",
    load: async () => (await import("./network-prune.js")).networkPrune,
  },
  {
    name: "network connect",
    summary: "not supported",
    isHidden: true,
    load: async () => (await import("./network-refused.js")).networkRefused("connect"),
  },
  {
    name: "network disconnect",
    summary: "not supported",
    isHidden: true,
    load: async () => (await import("./network-refused.js")).networkRefused("disconnect"),
  },
];
