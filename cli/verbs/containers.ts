import type { VerbRow } from "../verb.js";

/** Docker's verbs for single containers. */
export const CONTAINER_VERBS: readonly VerbRow[] = [
  {
    name: "run",
    summary: "run an image as a container",
    load: async () => (await import("./run.js")).run,
  },
  {
    name: "ps",
    summary: "list containers",
    load: async () => (await import("./ps.js")).ps,
  },
  {
    name: "stop",
    summary: "stop containers, which stay",
    load: async () => (await import("./stop.js")).stop,
  },
  {
    name: "update",
    summary: "give containers that run other amounts of CPU and memory",
    load: async () => (await import("./update.js")).update,
  },
  {
    name: "start",
    summary: "start containers that were stopped or have ended",
    load: async () => (await import("./start.js")).start,
  },
  {
    name: "restart",
    summary: "stop containers and start them anew",
    load: async () => (await import("./restart.js")).restart,
  },
  {
    name: "kill",
    summary: "send a signal to containers",
    load: async () => (await import("./kill.js")).kill,
  },
  {
    name: "rm",
    summary: "remove containers",
    load: async () => (await import("./rm.js")).rm,
  },
  {
    name: "attach",
    summary: "join a container's input and output",
    load: async () => (await import("./attach.js")).attach,
  },
  {
    name: "cp",
    summary: "copy files into and out of containers",
    load: async () => (await import("./cp.js")).cp,
  },
  {
    name: "inspect",
    summary: "tell everything of containers",
    load: async () => (await import("./inspect.js")).inspect,
  },
  {
    name: "port",
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
    summary: "show what containers use, live",
    load: async () => (await import("./stats.js")).stats,
  },
  {
    name: "top",
    summary: "tell what runs in a container",
    load: async () => (await import("./top.js")).top,
  },
  {
    name: "debug",
    summary: "look at a pod or a node with a container of its own",
    load: async () => (await import("./debug.js")).debug,
  },
];
