import { CLUSTER_FLAGS } from "../flags.js";
import { runPush } from "../images/push.js";
import { verb } from "../verb.js";

/** As docker push, from a node of the cluster. */
export const push = verb({
  forms: ["push NAME[:TAG] [REGISTRY/NAME[:TAG]]"],
  description:
    "A node that holds the image sends it; what the registry has already, or has in another repository, is not sent again. Credentials are those of the namespace's login.",
  examples: [
    ["push reg.example/app:v1", "by its own name"],
    ["push app:v1 reg.example/team/app:v1", "under another"],
  ],
  flags: {
    quiet: { type: "switch", short: "q", summary: "print only the image's name" },
    ...CLUSTER_FLAGS,
  },
  operands: "words",
  run: runPush,
});
