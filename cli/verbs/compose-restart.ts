import { runRestart, STOP_FLAGS } from "../compose/command/power.js";
import { verb } from "../verb.js";

/** Containers are replaced by new ones of the same template. */
export const composeRestart = verb({
  forms: ["compose [-p NAME] restart [SERVICE…]"],
  flags: STOP_FLAGS,
  operands: "words",
  run: runRestart,
});
