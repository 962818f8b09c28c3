import { CLUSTER_FLAGS } from "../flags.js";
import { runHistory } from "../images/inspect.js";
import { verb } from "../verb.js";

/** As docker history. */
export const imageHistory = verb({
  forms: ["image history NAME[:TAG]"],
  flags: {
    noTrunc: { type: "switch", summary: "print steps and ids whole" },
    quiet: { type: "switch", short: "q", summary: "print ids alone" },
    ...CLUSTER_FLAGS,
  },
  operands: "words",
  run: runHistory,
});
