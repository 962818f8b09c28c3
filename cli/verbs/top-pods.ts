import { CLUSTER_FLAGS, SELECT_FLAGS } from "../flags.js";
import { runTopPods } from "../top/top-pods.js";
import { verb } from "../verb.js";

/** Nodes measure only while somebody looks. */
export const topPods = verb({
  forms: ["top pods [POD]", "top pods -l LABELS [-A]"],
  examples: [
    ["top pods -A --sort-by=cpu", "what uses most CPU in the cluster"],
    ["top pods web-0 --containers", "container by container"],
  ],
  flags: {
    ...SELECT_FLAGS,
    allNamespaces: { type: "switch", short: "A", summary: "in all namespaces" },
    containers: { type: "switch", summary: "a line for each container" },
    sum: { type: "switch", summary: "add a line with the sums" },
    sortBy: { type: "text", value: "RESOURCE", choices: ["cpu", "memory"], summary: "largest use first" },
    noHeaders: { type: "switch", summary: "print the table without headings" },
    ...CLUSTER_FLAGS,
  },
  operands: "words",
  run: runTopPods,
});
