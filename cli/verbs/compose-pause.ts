import { runComposePause, runComposeUnpause } from "../compose/command/pause.js";
import { PROJECT_FLAGS } from "../compose/command/project.js";
import { verb } from "../verb.js";

/** A later container of the service is not paused. */
export const composePause = verb({
  forms: ["compose [-p NAME] pause [SERVICE…]"],
  flags: PROJECT_FLAGS,
  operands: "words",
  run: runComposePause,
});

/** Lets go on what `compose pause` or `pause` has paused. */
export const composeUnpause = verb({
  forms: ["compose [-p NAME] unpause [SERVICE…]"],
  flags: PROJECT_FLAGS,
  operands: "words",
  run: runComposeUnpause,
});
