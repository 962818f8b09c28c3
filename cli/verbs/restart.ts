import { runRestart } from "../containers/power.js";
import { CLUSTER_FLAGS, GRACE_FLAGS } from "../flags.js";
import { verb } from "../verb.js";

/** Deployments and their like are restarted by `rollout restart`. */
export const restart = verb({
  forms: ["restart CONTAINER…"],
  flags: { ...GRACE_FLAGS, ...CLUSTER_FLAGS },
  operands: "pods",
  run: runRestart,
});
