import { CLUSTER_FLAGS, DRY_RUN_FLAGS, SELECT_FLAGS } from "../flags.js";
import { runCordon } from "../node/cordon.js";
import { WRITTEN_FLAGS } from "../output/printer.js";
import { verb } from "../verb.js";

/** Opens nodes for new pods again. */
export const uncordon = verb({
  forms: ["uncordon NODE…", "uncordon -l LABELS"],
  examples: [["uncordon host1", "pods may come again; those that left do not come back by themselves"]],
  flags: { selector: SELECT_FLAGS.selector, ...DRY_RUN_FLAGS, ...WRITTEN_FLAGS, ...CLUSTER_FLAGS },
  operands: "nodes",
  run: (call, shell) => runCordon(call, shell, false),
});
