import { CLUSTER_FLAGS, DRY_RUN_FLAGS, SELECT_FLAGS } from "../flags.js";
import { runCordon } from "../node/cordon.js";
import { WRITTEN_FLAGS } from "../output/printer.js";
import { verb } from "../verb.js";

/** Closes nodes for new pods. */
export const cordon = verb({
  forms: ["cordon NODE…", "cordon -l LABELS"],
  examples: [["cordon host1", "what runs there goes on, and nothing new comes"]],
  flags: { selector: SELECT_FLAGS.selector, ...DRY_RUN_FLAGS, ...WRITTEN_FLAGS, ...CLUSTER_FLAGS },
  operands: "nodes",
  run: (call, shell) => runCordon(call, shell, true),
});
