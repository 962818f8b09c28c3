import { runChanges } from "../containers/changes.js";
import { CLUSTER_FLAGS } from "../flags.js";
import { verb } from "../verb.js";

/** As docker diff. */
export const containerDiff = verb({
  forms: ["container diff CONTAINER", "diff CONTAINER"],
  description: "A was added, C changed, D deleted. What is mounted in the container is not looked at.",
  examples: [["diff web", "what a container has made of its image's files"]],
  flags: CLUSTER_FLAGS,
  operands: "pods",
  run: ({ flags, operands }, shell) => runChanges(flags, operands, shell),
});
