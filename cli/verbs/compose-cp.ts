import { CP_FLAGS, runComposeCopy } from "../compose/command/containers.js";
import { verb } from "../verb.js";

/** Needs nothing in the container, not even tar. */
export const composeCp = verb({
  forms: ["compose [-p NAME] cp SERVICE:PATH PATH", "compose [-p NAME] cp PATH SERVICE:PATH"],
  flags: CP_FLAGS,
  operands: "words",
  run: runComposeCopy,
});
