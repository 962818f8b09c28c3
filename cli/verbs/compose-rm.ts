import { runRemove } from "../compose/command/power.js";
import { PROJECT_FLAGS } from "../compose/command/project.js";
import { verb } from "../verb.js";

/** Removes what does not run. */
export const composeRm = verb({
  forms: ["compose [-p NAME] rm [-s] [SERVICE…]"],
  flags: {
    stop: { type: "switch", short: "s", summary: "stop the services first" },
    force: { type: "switch", short: "f", summary: "accepted for docker's sake: nothing is asked" },
    ...PROJECT_FLAGS,
  },
  operands: "words",
  run: runRemove,
});
