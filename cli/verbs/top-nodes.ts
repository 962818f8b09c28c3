import { CLUSTER_FLAGS, SELECT_FLAGS } from "../flags.js";
import { runTopNodes } from "../top/top-nodes.js";
import { verb } from "../verb.js";

/** Nodes measure only while somebody looks. */
export const topNodes = verb({
  forms: ["top nodes [NODE…]", "top nodes -l LABELS"],
  description:
    "CPU and memory are those of the whole host; percentages are of what pods may use. FRAGMENTED: of the pods that run in the cluster, the share whose\nlike would not fit into what is free on the node.",
  examples: [["top nodes --sort-by=memory", "those that use most memory first"]],
  flags: {
    selector: SELECT_FLAGS.selector,
    sortBy: { type: "text", value: "RESOURCE", choices: ["cpu", "memory"], summary: "largest use first" },
    noHeaders: { type: "switch", summary: "print the table without headings" },
    ...CLUSTER_FLAGS,
  },
  operands: "nodes",
  run: runTopNodes,
});
