import { runKill } from "../containers/power.js";
import { CLUSTER_FLAGS } from "../flags.js";
import { verb } from "../verb.js";

/** What was killed stays ended, as with Docker. */
export const kill = verb({
  forms: ["kill [-s SIGNAL] CONTAINER…"],
  examples: [["kill -s HUP web", "have it read its configuration again"]],
  flags: {
    signal: { type: "text", short: "s", value: "SIGNAL", summary: "which signal; KILL when absent" },
    ...CLUSTER_FLAGS,
  },
  operands: "pods",
  run: runKill,
});
