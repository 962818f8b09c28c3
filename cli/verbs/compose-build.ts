import { BUILD_FLAGS, runComposeBuild } from "../compose/command/build.js";
import { verb } from "../verb.js";

/** Docker's `compose build`, on nodes of the cluster. */
export const composeBuild = verb({
  forms: ["compose [-f FILE…] [-p NAME] build [--no-cache] [SERVICE…]"],
  description:
    "An image without a name in the files is called PROJECT-SERVICE. up builds what the cluster has no image of, and with --build all.",
  examples: [["compose build web", "the image of one service"]],
  flags: BUILD_FLAGS,
  operands: "words",
  run: runComposeBuild,
});
