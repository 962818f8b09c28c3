import { CLUSTER_FLAGS } from "../flags.js";
import { runPrune } from "../images/remove.js";
import { verb } from "../verb.js";

/** As docker image prune, on every node. Images of the cluster stay as long as they have a name. */
export const imagePrune = verb({
  forms: ["image prune [-a]"],
  flags: {
    all: { type: "switch", short: "a", summary: "also pulled images that no pod of the node uses" },
    force: { type: "switch", short: "f", summary: "for those who are used to it: nothing is asked anyway" },
    ...CLUSTER_FLAGS,
  },
  operands: "none",
  run: runPrune,
});
