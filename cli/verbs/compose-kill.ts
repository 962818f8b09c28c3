import { KILL_FLAGS, runKill } from "../compose/command/power.js";
import { verb } from "../verb.js";

/** What was killed stays ended, as with docker, until `start` or `up`. */
export const composeKill = verb({
  forms: ["compose [-p NAME] kill [-s SIGNAL] [SERVICE…]"],
  flags: KILL_FLAGS,
  operands: "words",
  run: runKill,
});
