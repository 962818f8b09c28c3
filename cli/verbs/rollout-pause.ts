import { CLUSTER_FLAGS, DRY_RUN_FLAGS, FILE_FLAGS, SELECT_FLAGS } from "../flags.js";
import { WRITTEN_FLAGS } from "../output/printer.js";
import { runPause } from "../rollout/change.js";
import { verb } from "../verb.js";

/** While paused, changes of the template wait. */
export const rolloutPause = verb({
  forms: ["rollout pause deployment/NAME…"],
  flags: {
    selector: SELECT_FLAGS.selector,
    ...FILE_FLAGS,
    ...DRY_RUN_FLAGS,
    ...WRITTEN_FLAGS,
    ...CLUSTER_FLAGS,
  },
  operands: "objects",
  run: (call, shell) => runPause(call, shell, "pause"),
});
