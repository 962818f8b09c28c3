import type { VerbRow } from "../verb.js";

/** Docker's verbs for single containers. */
export const CONTAINER_VERBS: readonly VerbRow[] = [
  {
    name: "run",
    aliases: ["container run"],
    summary: "run an image as a container",
    load: async () => (await import("./run.js")).run,
  },
  {
    name: "container create",
    summary: "make a container that start lets run",
    load: async () => (await import("./container-create.js")).containerCreate,
  },
  {
    name: "ps",
    aliases: ["container ls", "container list", "container ps"],
    summary: "list containers",
    load: async () => (await import("./ps.js")).ps,
  },
  {
    name: "stop",
    aliases: ["container stop"],
    summary: "stop containers, which stay",
    load: async () => (await import("./stop.js")).stop,
  },
  {
    name: "update",
    aliases: ["container update"],
    summary: "give containers that run other amounts of CPU and memory",
    load: async () => (await import("./update.js")).update,
  },
  {
    name: "start",
    aliases: ["container start"],
    summary: "start containers that were stopped or have ended",
    load: async () => (await import("./start.js")).start,
  },
  {
    name: "restart",
    aliases: ["container restart"],
    summary: "stop containers and start them anew",
    load: async () => (await import("./restart.js")).restart,
  },
  {
    name: "kill",
    aliases: ["container kill"],
    summary: "send a signal to containers",
    load: async () => (await import("./kill.js")).kill,
  },
  {
    name: "rm",
    aliases: ["container rm"],
    summary: "remove containers",
    load: async () => (await import("./rm.js")).rm,
  },
  {
    name: "attach",
    aliases: ["container attach"],
    summary: "join a container's input and output",
    load: async () => (await import("./attach.js")).attach,
  },
  {
    name: "cp",
    aliases: ["container cp"],
    summary: "copy files into and out of containers",
    load: async () => (await import("./cp.js")).cp,
  },
  {
    name: "inspect",
    aliases: ["container inspect"],
    summary: "tell everything of containers",
    load: async () => (await import("./inspect.js")).inspect,
  },
  {
    name: "port",
    aliases: ["container port"],
    summary: "tell where a container's ports are open",
    load: async () => (await import("./port.js")).port,
  },
  {
    name: "port-forward",
    summary: "let ports here lead into pods",
    load: async () => (await import("./port-forward.js")).portForward,
  },
  {
    name: "stats",
    aliases: ["container stats"],
    summary: "show what containers use, live",
    load: async () => (await import("./stats.js")).stats,
  },
  {
    name: "top",
    aliases: ["container top"],
    summary: "tell what runs in a container",
    load: async () => (await import("./top.js")).top,
  },
  {
    name: "debug",
    summary: "look at a pod or a node with a container of its own",
    load: async () => (await import("./debug.js")).debug,
  },
  {
    name: "container prune",
    summary: "remove containers that have ended",
    load: async () => (await import("./volumes.js")).containerPrune,
  },
  {
    name: "volume ls",
    aliases: ["volume list"],
    summary: "list volumes by name",
    load: async () => (await import("./volumes.js")).volumeLs,
  },
  {
    name: "volume create",
    summary: "make a volume by name",
    load: async () => (await import("./volumes.js")).volumeCreate,
  },
  {
    name: "volume inspect",
    summary: "tell everything of volumes",
    load: async () => (await import("./volumes.js")).volumeInspect,
  },
  {
    name: "volume rm",
    aliases: ["volume remove"],
    summary: "remove volumes with what they hold",
    load: async () => (await import("./volumes.js")).volumeRm,
  },
  {
    name: "volume prune",
    summary: "remove volumes that nothing mounts",
    load: async () => (await import("./volumes.js")).volumePrune,
  },
  {
    name: "system df",
    summary: "count images, containers and volumes, and what they take",
    load: async () => (await import("./system-df.js")).systemDf,
  },
  {
    name: "system prune",
    summary: "remove what is left over",
    load: async () => (await import("./volumes.js")).systemPrune,
  },
  {
    name: "rename",
    aliases: ["container rename"],
    summary: "not offered",
    isHidden: true,
    load: async () =>
      (await import("./not-offered.js")).notOffered(
        "rename",
        "a container's name is its pod's, which is its place in DNS and its files: run it anew with --name",
      ),
  },
  {
    name: "pause",
    aliases: ["container pause"],
    summary: "have containers stand still",
    load: async () => (await import("./pause.js")).pause,
  },
  {
    name: "unpause",
    aliases: ["container unpause"],
    summary: "let paused containers go on",
    load: async () => (await import("./pause.js")).unpause,
  },
  {
    name: "info",
    aliases: ["system info"],
    summary: "tell of the cluster as a whole",
    load: async () => (await import("./info.js")).info,
  },
  {
    name: "commit",
    aliases: ["container commit"],
    summary: "make an image of what a container is now",
    load: async () => (await import("./commit.js")).commit,
  },
  {
    name: "container diff",
    summary: "tell which files of its image a container has changed",
    load: async () => (await import("./container-diff.js")).containerDiff,
  },
  {
    name: "export",
    aliases: ["container export"],
    summary: "write all files of a container as an archive",
    load: async () => (await import("./export.js")).exportVerb,
  },
];
