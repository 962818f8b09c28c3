import { runStop, STOP_FLAGS } from "../compose/command/power.js";
import { verb } from "../verb.js";

/** The services stay, with no container, for `start`. */
export const composeStop = verb({
  forms: ["compose [-p NAME] stop [SERVICE…]"],
  flags: STOP_FLAGS,
  operands: "words",
  run: runStop,
});
