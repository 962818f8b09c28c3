import { CLUSTER_FLAGS, DRY_RUN_FLAGS } from "../flags.js";
import { runRebalance } from "../rebalance/rebalance.js";
import { verb } from "../verb.js";

/** Moves pods to nodes where the scheduler would put them now. */
export const rebalance = verb({
  forms: ["rebalance --dry-run", "rebalance [--most=N]"],
  description:
    "Moves pods of deployments, replica sets and stateful sets: those that their node would no longer take, replicas that crowd together, and pods of a\nmuch fuller node. Within disruption budgets; never jobs, daemons, or pods with content on their node. With the annotation\ntallship.dev/rebalance=on a namespace's pods are moved by the cluster itself, two a minute; =off on a pod leaves it alone.",
  examples: [
    ["rebalance --dry-run", "what would be moved, and why"],
    ["rebalance --most=5", "move five pods at most"],
  ],
  flags: {
    most: { type: "number", value: "N", min: 1, summary: "how many pods to move at most; 100 when absent" },
    allNamespaces: { type: "switch", short: "A", summary: "pods of all namespaces" },
    ...DRY_RUN_FLAGS,
    ...CLUSTER_FLAGS,
  },
  operands: "none",
  run: runRebalance,
});
