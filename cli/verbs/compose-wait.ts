import { PROJECT_FLAGS } from "../compose/command/project.js";
import { runComposeWait } from "../compose/command/watching.js";
import { verb } from "../verb.js";

/** Ends with the exit code of the last of the containers. */
export const composeWait = verb({
  forms: ["compose [-p NAME] wait SERVICE…"],
  flags: PROJECT_FLAGS,
  operands: "words",
  run: runComposeWait,
});
