import { CLUSTER_FLAGS } from "../flags.js";
import { verb } from "../verb.js";
import { runWhy } from "../why/why.js";

/** Asks the scheduler and the pod itself. */
export const why = verb({
  forms: ["why POD", "why TYPE/NAME"],
  description:
    "Of a pod without a node: what every node has against it, the one change that would be enough, and what preemption would take. Of a pod with a\nnode: what its containers wait for. Of a workload: its pods that are not ready, those with the same reasons once.",
  examples: [
    ["why web-0", "why the pod does not run"],
    ["why deploy/web", "the same of the deployment's pods"],
  ],
  flags: CLUSTER_FLAGS,
  operands: "pods",
  run: runWhy,
});
