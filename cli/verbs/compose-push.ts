import { IMAGES_FLAGS, runComposePush } from "../compose/command/images.js";
import { verb } from "../verb.js";

/** Only what is built is pushed. */
export const composePush = verb({
  forms: ["compose [-p NAME] push [SERVICE…]"],
  description: "Images that are built go to the registries that their names say.",
  flags: IMAGES_FLAGS,
  operands: "words",
  run: runComposePush,
});
