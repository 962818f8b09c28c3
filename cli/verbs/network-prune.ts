import { CLUSTER_FLAGS } from "../flags.js";
import { runNetworkPrune } from "../networks/networks.js";
import { verb } from "../verb.js";

/** As docker network prune. */
export const networkPrune = verb({
  forms: ["network prune"],
  description: "Of one namespace. Asks nothing.",
  flags: { force: { type: "switch", short: "f", summary: "accepted: it never asks" }, ...CLUSTER_FLAGS },
  operands: "none",
  run: runNetworkPrune,
});
