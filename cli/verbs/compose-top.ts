import { runComposeTop } from "../compose/command/containers.js";
import { PROJECT_FLAGS } from "../compose/command/project.js";
import { verb } from "../verb.js";

/** Lists processes by each container's own ps. */
export const composeTop = verb({
  forms: ["compose [-p NAME] top [SERVICE…]"],
  flags: PROJECT_FLAGS,
  operands: "words",
  run: runComposeTop,
});
