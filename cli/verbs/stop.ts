import { runStop } from "../containers/power.js";
import { CLUSTER_FLAGS, GRACE_FLAGS } from "../flags.js";
import { verb } from "../verb.js";

/** What is stopped keeps what it wrote, its name and its place; `start` brings it back. */
export const stop = verb({
  forms: ["stop CONTAINER…"],
  examples: [["stop web -t 1", "with one second to end before it is killed"]],
  flags: { ...GRACE_FLAGS, ...CLUSTER_FLAGS },
  operands: "pods",
  run: runStop,
});
