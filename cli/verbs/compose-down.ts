import { DOWN_FLAGS, runDown } from "../compose/command/down.js";
import { verb } from "../verb.js";

/** Volumes stay unless -v asks for them too. */
export const composeDown = verb({
  forms: ["compose [-p NAME] down [-v] [--rmi all|local] [SERVICE…]"],
  flags: DOWN_FLAGS,
  operands: "words",
  run: runDown,
});
