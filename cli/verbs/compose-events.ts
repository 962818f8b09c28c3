import { EVENTS_FLAGS, runComposeEvents } from "../compose/command/containers.js";
import { verb } from "../verb.js";

/** Goes on until it is interrupted. */
export const composeEvents = verb({
  forms: ["compose [-p NAME] events [--json]"],
  description: "Tells the events of the namespace that the project is in, those of the last hour first.",
  flags: EVENTS_FLAGS,
  operands: "words",
  run: runComposeEvents,
});
