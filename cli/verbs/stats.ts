import { runStats } from "../containers/stats.js";
import { CLUSTER_FLAGS } from "../flags.js";
import { verb } from "../verb.js";

/** Nodes are asked only while it runs. Containers of one pod share its network, and what went over it. */
export const stats = verb({
  forms: ["stats [CONTAINER…]"],
  flags: {
    noStream: { type: "switch", summary: "once, and end" },
    format: {
      type: "text",
      value: "FORM",
      offers: ["table", "json"],
      summary: "how it is printed; also a template such as '{{.Name}} {{.MemUsage}}'",
    },
    noTrunc: { type: "switch", summary: "whole ids" },
    allNamespaces: { type: "switch", short: "A", summary: "of all namespaces" },
    all: { type: "switch", short: "a", summary: "for docker's sake: what has ended uses nothing" },
    ...CLUSTER_FLAGS,
  },
  operands: "pods",
  run: runStats,
});
