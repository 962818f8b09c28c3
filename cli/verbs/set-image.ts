import { CHOICE_FLAGS, CLUSTER_FLAGS, DRY_RUN_FLAGS, LOCAL_FLAGS } from "../flags.js";
import { WRITTEN_FLAGS } from "../output/printer.js";
import { runSetImage } from "../set/image.js";
import { verb } from "../verb.js";

/** A roll-out follows where the kind rolls out. */
export const setImage = verb({
  forms: ["set image TYPE/NAME… CONTAINER=IMAGE…", "set image TYPE NAME CONTAINER=IMAGE…"],
  examples: [
    ["set image deploy/hello hello=hello:2", "another image for one container"],
    ["set image ds --all '*=agent:3'", "for every container of every daemon set"],
  ],
  flags: { ...CHOICE_FLAGS, ...DRY_RUN_FLAGS, ...LOCAL_FLAGS, ...WRITTEN_FLAGS, ...CLUSTER_FLAGS },
  operands: "objects",
  run: runSetImage,
});
