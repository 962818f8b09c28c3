import { runDebug } from "../containers/debug.js";
import { CLUSTER_FLAGS } from "../flags.js";
import { verb } from "../verb.js";

/** The container that looks shares the pod's network; with --target it sees that container's processes too. */
export const debug = verb({
  forms: ["debug [-it] POD --image=IMAGE [-- COMMAND ARG…]", "debug [-it] node/NAME --image=IMAGE [-- COMMAND ARG…]"],
  examples: [
    ["debug -it web-0 --image=busybox --target=web -- sh", "a shell beside a container that has none"],
    ["debug -it node/host2 --image=busybox -- chroot /host sh", "a shell of a node"],
  ],
  flags: {
    image: { type: "text", value: "IMAGE", summary: "image of the container that looks" },
    container: { type: "text", short: "c", value: "NAME", summary: "its name; made up when absent" },
    target: { type: "text", value: "NAME", summary: "container whose processes it sees" },
    stdin: { type: "switch", short: "i", summary: "pass standard input on" },
    tty: { type: "switch", short: "t", summary: "give it a terminal" },
    env: { type: "list", value: "NAME=VALUE", summary: "environment" },
    attach: { type: "switch", summary: "show what it writes until it has ended; with -i in any case" },
    quiet: { type: "switch", short: "q", summary: "print only what it prints" },
    ...CLUSTER_FLAGS,
  },
  operands: "pods",
  takesCommand: true,
  run: runDebug,
});
