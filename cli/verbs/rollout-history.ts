import { CLUSTER_FLAGS, FILE_FLAGS, SELECT_FLAGS } from "../flags.js";
import { runHistory } from "../rollout/history.js";
import { verb } from "../verb.js";

/** A cause is what the annotation kubernetes.io/change-cause said at the time. */
export const rolloutHistory = verb({
  forms: ["rollout history TYPE/NAME [--revision=N]"],
  examples: [["rollout history deploy/hello --revision=2", "the pods of one revision"]],
  flags: {
    revision: { type: "number", value: "N", min: 0, summary: "show the template of this revision" },
    selector: SELECT_FLAGS.selector,
    ...FILE_FLAGS,
    ...CLUSTER_FLAGS,
  },
  operands: "objects",
  run: runHistory,
});
