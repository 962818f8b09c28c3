import { CLUSTER_FLAGS, DRY_RUN_FLAGS, FILE_FLAGS, SELECT_FLAGS } from "../flags.js";
import { WRITTEN_FLAGS } from "../output/printer.js";
import { runRestart } from "../rollout/change.js";
import { verb } from "../verb.js";

/** New pods replace the old ones as the kind's roll-out says: without an interruption where it can be. */
export const rolloutRestart = verb({
  forms: ["rollout restart TYPE/NAME…", "rollout restart TYPE [-l LABELS]"],
  examples: [["rollout restart deploy/hello", "new pods of the same template"]],
  flags: {
    selector: SELECT_FLAGS.selector,
    ...FILE_FLAGS,
    ...DRY_RUN_FLAGS,
    ...WRITTEN_FLAGS,
    ...CLUSTER_FLAGS,
  },
  operands: "objects",
  run: runRestart,
});
