import { runStart } from "../containers/power.js";
import { CLUSTER_FLAGS } from "../flags.js";
import { verb } from "../verb.js";

/** Starts what was stopped or has ended. */
export const start = verb({
  forms: ["start CONTAINER…"],
  flags: CLUSTER_FLAGS,
  operands: "pods",
  run: runStart,
});
