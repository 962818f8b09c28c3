import { PROJECT_FLAGS } from "../compose/command/project.js";
import { runImages } from "../compose/command/ps.js";
import { verb } from "../verb.js";

/** Lists the images of a project's containers. */
export const composeImages = verb({
  forms: ["compose [-p NAME] images [SERVICE…]"],
  flags: PROJECT_FLAGS,
  operands: "words",
  run: runImages,
});
