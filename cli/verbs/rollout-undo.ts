import { CLUSTER_FLAGS, DRY_RUN_FLAGS, FILE_FLAGS, SELECT_FLAGS } from "../flags.js";
import { WRITTEN_FLAGS } from "../output/printer.js";
import { runUndo } from "../rollout/change.js";
import { verb } from "../verb.js";

/** Brings an earlier template, and the content that it took from configs, back, as a roll-out of its own. */
export const rolloutUndo = verb({
  forms: ["rollout undo TYPE/NAME [--to-revision=N]"],
  examples: [["rollout undo deploy/hello", "back to what was before the newest change"]],
  flags: {
    toRevision: { type: "number", value: "N", min: 0, summary: "revision to go back to; the one before when absent" },
    selector: SELECT_FLAGS.selector,
    ...FILE_FLAGS,
    ...DRY_RUN_FLAGS,
    ...WRITTEN_FLAGS,
    ...CLUSTER_FLAGS,
  },
  operands: "objects",
  run: runUndo,
});
