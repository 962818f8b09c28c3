import { runStart } from "../containers/start.js";
import { CLUSTER_FLAGS } from "../flags.js";
import { verb } from "../verb.js";

/** Starts what was stopped or has ended. */
export const start = verb({
  forms: ["start CONTAINER…", "start -a [-i] CONTAINER"],
  examples: [["start -a job-1", "and see what it writes; ends with its exit code"]],
  flags: {
    attach: { type: "switch", short: "a", summary: "see what it writes, until it ends; Ctrl-C stops it" },
    interactive: { type: "switch", short: "i", summary: "pass standard input on, where the container takes any" },
    ...CLUSTER_FLAGS,
  },
  operands: "pods",
  run: runStart,
});
