import { CLUSTER_FLAGS } from "../flags.js";
import { runNetworkInspect } from "../networks/networks.js";
import { verb } from "../verb.js";

/** As docker network inspect. */
export const networkInspect = verb({
  forms: ["network inspect NAME…"],
  description: "`describe network NAME` tells the same to people.",
  flags: {
    format: {
      type: "text",
      short: "f",
      value: "TEMPLATE",
      summary: "a template such as {{.IPAM.Config}}",
    },
    ...CLUSTER_FLAGS,
  },
  operands: "words",
  run: runNetworkInspect,
});
