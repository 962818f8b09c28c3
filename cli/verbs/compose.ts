import type { VerbRow } from "../verb.js";

/** Verbs of docker's compose that are not there, each with what does it here. */
function refusedOfCompose(all: Readonly<Record<string, string>>): readonly VerbRow[] {
  return Object.entries(all).map(([name, instead]) => ({
    name: `compose ${name}`,
    summary: "not supported",
    isHidden: true,
    load: async () => (await import("./compose-refused.js")).composeRefused(name, instead),
  }));
}

/** Docker's command line for projects of compose files. */
export const COMPOSE_VERBS: readonly VerbRow[] = [
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
    summary: "end the containers of services and start them again",
    load: async () => (await import("./compose-restart.js")).composeRestart,
  },
  {
    name: "compose pause",
    summary: "have the containers of services stand still",
    load: async () => (await import("./compose-pause.js")).composePause,
  },
  {
    name: "compose unpause",
    summary: "let paused containers go on",
    load: async () => (await import("./compose-pause.js")).composeUnpause,
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
    create: "up -d makes the containers and starts them; config --objects shows what they become",
    watch: "build the image and up again: compose up -d --build",
    commit: "use tsctl commit -n PROJECT CONTAINER NAME",
    export: "use tsctl export -n PROJECT CONTAINER",
  }),
];
