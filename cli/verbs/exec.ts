import { runExec } from "../exec/exec.js";
import { EXEC_AS_FLAGS } from "../exec/exec-flags.js";
import { CLUSTER_FLAGS } from "../flags.js";
import { verb } from "../verb.js";

/** Ends with the exit code of the command. */
export const exec = verb({
  forms: ["exec [-i] [-t] POD COMMAND [ARG…]", "exec [-i] [-t] TYPE/NAME -- COMMAND [ARG…]"],
  examples: [
    ["exec -it web-0 sh", "a shell"],
    ["exec deploy/hello -- cat /etc/hosts", "in a ready pod of a deployment"],
  ],
  flags: {
    detach: { type: "switch", short: "d", summary: "leave it to itself once it has started; what it writes is lost" },
    stdin: { type: "switch", short: "i", summary: "pass standard input on" },
    tty: { type: "switch", short: "t", summary: "give the command a terminal" },
    container: { type: "text", short: "c", value: "NAME", summary: "in this container; the first when absent" },
    ...EXEC_AS_FLAGS,
    quiet: { type: "switch", short: "q", summary: "print only what the command prints" },
    ...CLUSTER_FLAGS,
  },
  operands: "pods",
  takesCommand: true,
  commandFollows: (args) => !args.includes("--"),
  run: runExec,
});
