import { PS_FLAGS, runPs } from "../compose/command/ps.js";
import { verb } from "../verb.js";

/** Lists a project's containers. */
export const composePs = verb({
  forms: ["compose [-p NAME] ps [-a] [SERVICE…]"],
  flags: PS_FLAGS,
  operands: "words",
  run: runPs,
});
