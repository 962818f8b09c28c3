import { CLUSTER_FLAGS } from "../flags.js";
import { runNetworkRemove } from "../networks/networks.js";
import { verb } from "../verb.js";

/** As docker network rm. */
export const networkRm = verb({
  forms: ["network rm [-f] NAME…"],
  description: "A network that containers are on stays.",
  flags: {
    force: { type: "switch", short: "f", summary: "no error when there is none" },
    ...CLUSTER_FLAGS,
  },
  operands: "words",
  run: runNetworkRemove,
});
