import { CLUSTER_FLAGS } from "../flags.js";
import { runNetworkList } from "../networks/networks.js";
import { verb } from "../verb.js";

/** As docker network ls. */
export const networkLs = verb({
  forms: ["network ls [-q]"],
  description: "`get networks` tells of their addresses.",
  flags: {
    quiet: { type: "switch", short: "q", summary: "ids only" },
    noTrunc: { type: "switch", summary: "whole ids" },
    filter: {
      type: "list",
      short: "f",
      value: "KEY=VALUE",
      summary: "name, id, driver, scope, label or type; may be repeated",
    },
    format: {
      type: "text",
      value: "FORM",
      offers: ["table", "json"],
      summary: "how it is printed; also a template such as '{{.Name}}'",
    },
    ...CLUSTER_FLAGS,
  },
  operands: "none",
  run: runNetworkList,
});
