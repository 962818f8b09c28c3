import { IMAGES_FLAGS, runComposePull } from "../compose/command/images.js";
import { verb } from "../verb.js";

/** What is built is not pulled. */
export const composePull = verb({
  forms: ["compose [-p NAME] pull [SERVICE…]"],
  description:
    "Every node fetches the images again, also those that it has. Containers that run go on with the image they have: up --force-recreate replaces them.",
  flags: IMAGES_FLAGS,
  operands: "words",
  run: runComposePull,
});
