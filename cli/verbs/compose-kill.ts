import { runKill } from "../compose/command/power.js";
import { PROJECT_FLAGS } from "../compose/command/project.js";
import { verb } from "../verb.js";

/** What keeps a service starts a new container; `stop` ends it for good. */
export const composeKill = verb({
  forms: ["compose [-p NAME] kill [SERVICE…]"],
  flags: PROJECT_FLAGS,
  operands: "words",
  run: runKill,
});
