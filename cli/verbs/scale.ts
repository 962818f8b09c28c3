import { CHOICE_FLAGS, CLUSTER_FLAGS, DRY_RUN_FLAGS } from "../flags.js";
import { WRITTEN_FLAGS } from "../output/printer.js";
import { runScale } from "../scale/scale.js";
import { verb } from "../verb.js";

/** Sets spec.replicas and nothing else. */
export const scale = verb({
  forms: ["scale TYPE/NAME… --replicas=N", "scale TYPE NAME… --replicas=N", "scale -f FILE --replicas=N"],
  examples: [["scale deploy/hello --replicas=3", "three pods from now on"]],
  flags: {
    replicas: { type: "number", value: "N", min: 0, summary: "number of pods wanted" },
    currentReplicas: { type: "number", value: "N", min: 0, summary: "only if this many are wanted now" },
    ...CHOICE_FLAGS,
    ...DRY_RUN_FLAGS,
    ...WRITTEN_FLAGS,
    ...CLUSTER_FLAGS,
  },
  operands: "objects",
  run: runScale,
});
