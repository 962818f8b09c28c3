import { CLUSTER_FLAGS } from "../flags.js";
import { runRemove } from "../images/remove.js";
import { verb } from "../verb.js";

/** As docker rmi. */
export const imageRm = verb({
  forms: ["image rm [-f] NAME[:TAG]…", "rmi [-f] NAME[:TAG]…"],
  description:
    "A name that pods use stays, unless -f takes it away. Pods that run go on; they cannot start anywhere else then.",
  flags: {
    force: { type: "switch", short: "f", summary: "also when pods use it" },
    ...CLUSTER_FLAGS,
  },
  operands: "words",
  run: runRemove,
});
