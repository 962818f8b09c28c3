import { runRestart, STOP_FLAGS } from "../compose/command/power.js";
import { verb } from "../verb.js";

/** The same containers end and start again, all at once; `tsctl rollout restart` replaces them one after the other. */
export const composeRestart = verb({
  forms: ["compose [-p NAME] restart [SERVICE…]"],
  flags: STOP_FLAGS,
  operands: "words",
  run: runRestart,
});
