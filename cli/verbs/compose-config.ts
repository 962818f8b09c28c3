import { CONFIG_FLAGS, runConfig } from "../compose/command/config.js";
import { verb } from "../verb.js";

/** Needs no cluster. */
export const composeConfig = verb({
  forms: ["compose [-f FILE…] config [--services|--images|--volumes|--profiles|--objects]"],
  flags: CONFIG_FLAGS,
  operands: "none",
  run: runConfig,
});
