import { CLUSTER_FLAGS, DRY_RUN_FLAGS } from "../flags.js";
import { OBJECT_OUTPUT_FLAGS } from "../print.js";
import { runUndo } from "../undo/undo.js";
import { verb } from "../verb.js";

/** An undo is an apply of what was applied before, so it can be undone. */
export const undo = verb({
  forms: ["undo [SET] [--to=N] [--wait]", "undo [SET] --list"],
  description:
    "Every apply of a set of files is a revision. undo brings all objects of the set back to an earlier one, ConfigMaps and Secrets too, and\ndeletes what came to the set since. A field that another manager has set meanwhile is told, and kept unless --force is given.",
  examples: [
    ["undo --list", "sets, and their revisions that are kept"],
    ["undo shop", "as it was before the last apply; once more: the last apply again"],
    ["undo shop --to=3 --dry-run=server", "what going back to revision 3 would change"],
  ],
  flags: {
    to: { type: "number", value: "N", min: 1, summary: "revision to go back to; the one before the last when absent" },
    list: { type: "switch", summary: "only list revisions" },
    wait: { type: "switch", summary: "wait until all objects are ready" },
    timeout: { type: "duration", value: "TIME", summary: "how long to wait; 5m when absent" },
    force: { type: "switch", summary: "take fields over that another owner has set" },
    ...DRY_RUN_FLAGS,
    ...OBJECT_OUTPUT_FLAGS,
    ...CLUSTER_FLAGS,
  },
  operands: "sets",
  run: runUndo,
});
