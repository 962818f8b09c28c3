import { CLUSTER_FLAGS, FILE_FLAGS } from "../flags.js";
import { runPlan } from "../plan/plan.js";
import { verb } from "../verb.js";

/** Asks the scheduler before anything is written. */
export const plan = verb({
  forms: ["plan -f FILE… [-o wide]", "plan -k FOLDER"],
  description:
    "Decides the files as an apply would, makes the pods that would come of them, and lets the scheduler place these in the cluster as it is. Nothing is\nwritten. Of a roll-out it shows the end, not the steps to it. The exit code is 1 when a pod would find no node.",
  examples: [
    ["plan -f app.yaml", "which nodes its pods would run on"],
    ["plan -f compose.yaml -o wide", "the same, pod by pod"],
  ],
  flags: {
    ...FILE_FLAGS,
    force: { type: "switch", summary: "take fields over that another owner has set" },
    output: { type: "text", short: "o", value: "FORMAT", choices: ["wide"], summary: "wide: a line for each pod" },
    ...CLUSTER_FLAGS,
  },
  operands: "none",
  run: runPlan,
});
