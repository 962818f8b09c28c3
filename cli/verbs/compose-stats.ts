import { runComposeStats, STATS_FLAGS } from "../compose/command/watching.js";
import { verb } from "../verb.js";

/** Nodes are asked only while it runs. */
export const composeStats = verb({
  forms: ["compose [-p NAME] stats [SERVICE…]"],
  flags: STATS_FLAGS,
  operands: "words",
  run: runComposeStats,
});
