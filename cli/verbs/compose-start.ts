import { runStart } from "../compose/command/power.js";
import { PROJECT_FLAGS } from "../compose/command/project.js";
import { verb } from "../verb.js";

/** Starts what `stop` has stopped, and tasks that have ended, as docker does. */
export const composeStart = verb({
  forms: ["compose [-p NAME] start [SERVICE…]"],
  flags: PROJECT_FLAGS,
  operands: "words",
  run: runStart,
});
