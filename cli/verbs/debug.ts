import { runDebug } from "../containers/debug.js";
import { CLUSTER_FLAGS } from "../flags.js";
import { verb } from "../verb.js";

/** The container that looks shares the pod's network; with --target it sees that container's processes too. */
export const debug = verb({
  forms: [
    "debug [-it] POD --image=IMAGE [-- COMMAND ARG…]",
    "debug [-it] POD --copy-to=NAME [-c CONTAINER] [-- COMMAND ARG…]",
    "debug [-it] node/NAME --image=IMAGE [-- COMMAND ARG…]",
  ],
  examples: [
    ["debug -it web-0 --image=busybox --target=web -- sh", "a shell beside a container that has none"],
    ["debug -it web-0 --copy-to=web-debug -c web -- sh", "a copy of a pod whose program ends too early"],
    ["debug -it node/host2 --image=busybox -- chroot /host sh", "a shell of a node"],
  ],
  flags: {
    image: { type: "text", value: "IMAGE", summary: "image of the container that looks" },
    container: { type: "text", short: "c", value: "NAME", summary: "its name; made up when absent" },
    target: { type: "text", value: "NAME", summary: "container whose processes it sees" },
    stdin: { type: "switch", short: "i", summary: "pass standard input on" },
    tty: { type: "switch", short: "t", summary: "give it a terminal" },
    env: { type: "list", value: "NAME=VALUE", summary: "environment" },
    copyTo: {
      type: "text",
      value: "NAME",
      summary: "look at a copy of the pod, of this name, without its labels and probes",
    },
    replace: { type: "switch", summary: "with --copy-to: delete the pod that is copied" },
    sameNode: { type: "switch", summary: "with --copy-to: on the pod's node" },
    setImage: { type: "text", value: "NAME=IMAGE,…", summary: "with --copy-to: other images, * for every container" },
    shareProcesses: {
      type: "switch",
      default: true,
      summary: "with --copy-to: containers do not see each other's processes",
    },
    attach: { type: "switch", summary: "show what it writes until it has ended; with -i in any case" },
    quiet: { type: "switch", short: "q", summary: "print only what it prints" },
    ...CLUSTER_FLAGS,
  },
  operands: "pods",
  takesCommand: true,
  run: runDebug,
});
