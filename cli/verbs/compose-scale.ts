import { runScale, SCALE_FLAGS } from "../compose/command/up.js";
import { verb } from "../verb.js";

/** As docker compose scale. */
export const composeScale = verb({
  forms: ["compose [-f FILE…] [-p NAME] scale SERVICE=NUMBER…"],
  flags: SCALE_FLAGS,
  operands: "words",
  run: runScale,
});
