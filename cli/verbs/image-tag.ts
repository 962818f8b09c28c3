import { CLUSTER_FLAGS } from "../flags.js";
import { runTag } from "../images/tag.js";
import { verb } from "../verb.js";

/** As docker tag. */
export const imageTag = verb({
  forms: ["image tag NAME[:TAG] NAME[:TAG]"],
  examples: [["image tag app:v1 reg.example/team/app:v1", "a name under which it can be pushed"]],
  flags: { ...CLUSTER_FLAGS },
  operands: "words",
  run: runTag,
});
