import { ATTACH_FLAGS, runComposeAttach } from "../compose/command/watching.js";
import { verb } from "../verb.js";

/** Joins a container of a service, which goes on when one leaves. */
export const composeAttach = verb({
  forms: ["compose [-p NAME] attach SERVICE"],
  flags: ATTACH_FLAGS,
  operands: "words",
  run: runComposeAttach,
});
