import { runDescribe } from "../describe/describe.js";
import { CLUSTER_FLAGS, FILE_FLAGS, SELECT_FLAGS } from "../flags.js";
import { verb } from "../verb.js";

/** Values of secrets stay hidden. */
export const describe = verb({
  forms: ["describe TYPE [NAME…]", "describe TYPE/NAME…", "describe -f FILE"],
  examples: [
    ["describe pod web-0", "its containers, what happened to it, why it is pending"],
    ["describe nodes", "every node with its pods and what they have reserved"],
  ],
  flags: {
    ...SELECT_FLAGS,
    ...FILE_FLAGS,
    allNamespaces: { type: "switch", short: "A", summary: "objects of all namespaces" },
    showEvents: { type: "switch", default: true, summary: "leave events out" },
    ...CLUSTER_FLAGS,
  },
  operands: "objects",
  run: runDescribe,
});
