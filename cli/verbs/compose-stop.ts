import { runStop, STOP_FLAGS } from "../compose/command/power.js";
import { verb } from "../verb.js";

/** The containers stay, with what they wrote, for `start`; a task that runs is suspended, and begins anew. What has ended `start` runs again. */
export const composeStop = verb({
  forms: ["compose [-p NAME] stop [-t SECONDS] [SERVICE…]"],
  flags: STOP_FLAGS,
  operands: "words",
  run: runStop,
});
