import { LOGS_FLAGS, runComposeLogs } from "../compose/command/logs.js";
import { verb } from "../verb.js";

/** Every line says whose it is. */
export const composeLogs = verb({
  forms: ["compose [-p NAME] logs [-f] [SERVICE…]"],
  flags: LOGS_FLAGS,
  operands: "words",
  run: runComposeLogs,
});
