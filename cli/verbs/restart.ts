import { runRestart } from "../containers/power.js";
import { CLUSTER_FLAGS } from "../flags.js";
import { verb } from "../verb.js";

/** Deployments and their like are restarted by `rollout restart`. */
export const restart = verb({
  forms: ["restart CONTAINER…"],
  flags: {
    time: {
      type: "number",
      short: "t",
      also: ["timeout"],
      value: "SECONDS",
      min: 0,
      summary: "time to end; its own when absent",
    },
    ...CLUSTER_FLAGS,
  },
  operands: "pods",
  run: runRestart,
});
