import { runExec } from "../exec/exec.js";
import { CLUSTER_FLAGS } from "../flags.js";
import { usageError, verb } from "../verb.js";

/** Docker's form; what pods and nodes use is told by `top pods` and `top nodes`. */
export const top = verb({
  forms: ["top CONTAINER [PS-OPTION…]"],
  examples: [["top web", "the processes of a container, by its own ps"]],
  flags: CLUSTER_FLAGS,
  operands: "pods",
  takesCommand: true,
  commandFollows: () => true,
  run: async ({ flags, operands, rest = [] }, shell) => {
    if (operands.length === 0) throw usageError("say of what: top CONTAINER, top pods or top nodes");
    const exec = { ...flags, stdin: false, tty: false, container: undefined, quiet: true };
    return runExec({ flags: exec, operands, rest: ["ps", ...rest] }, shell);
  },
});
