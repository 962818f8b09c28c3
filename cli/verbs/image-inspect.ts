import { CLUSTER_FLAGS } from "../flags.js";
import { runInspect } from "../images/inspect.js";
import { verb } from "../verb.js";

/** As docker image inspect, with the nodes that hold the image. */
export const imageInspect = verb({
  forms: ["image inspect NAME[:TAG]…"],
  flags: { ...CLUSTER_FLAGS },
  operands: "words",
  run: runInspect,
});
