import { CLUSTER_FLAGS, FILE_FLAGS, SELECT_FLAGS } from "../flags.js";
import { runStatus } from "../rollout/status.js";
import { verb } from "../verb.js";

/** Ends with 1 when the roll-out has failed, with 8 when the time is up. */
export const rolloutStatus = verb({
  forms: ["rollout status TYPE/NAME [--timeout TIME]", "rollout status TYPE NAME"],
  examples: [["rollout status deploy/hello --timeout=2m", "until the new pods serve, or why they do not"]],
  flags: {
    watch: { type: "switch", short: "w", default: true, summary: "tell the state once and do not wait" },
    timeout: { type: "duration", value: "TIME", summary: "how long to wait; without end when absent" },
    selector: SELECT_FLAGS.selector,
    ...FILE_FLAGS,
    ...CLUSTER_FLAGS,
  },
  operands: "objects",
  run: runStatus,
});
