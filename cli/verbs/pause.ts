import { runPause, runUnpause } from "../containers/pause.js";
import { CLUSTER_FLAGS } from "../flags.js";
import { verb } from "../verb.js";

/** What stands still takes no requests, and is asked nothing by its probes. */
export const pause = verb({
  forms: ["pause CONTAINER…"],
  description:
    "Its processes stand still until unpause; the memory they have is theirs. stop, kill, rm -f and whatever else ends it let it go on first.",
  flags: CLUSTER_FLAGS,
  operands: "pods",
  run: runPause,
});

/** Lets go on what `pause` has stopped. */
export const unpause = verb({
  forms: ["unpause CONTAINER…"],
  flags: CLUSTER_FLAGS,
  operands: "pods",
  run: runUnpause,
});
