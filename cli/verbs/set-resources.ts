import { CHOICE_FLAGS, CLUSTER_FLAGS, DRY_RUN_FLAGS, LOCAL_FLAGS } from "../flags.js";
import { WRITTEN_FLAGS } from "../output/printer.js";
import { runSetResources } from "../set/resources.js";
import { verb } from "../verb.js";

/** A roll-out follows where the kind rolls out. */
export const setResources = verb({
  forms: ["set resources TYPE/NAME… --limits=… --requests=…"],
  examples: [["set resources deploy/hello --limits=cpu=500m,memory=64Mi -c hello", "bounds of one container"]],
  flags: {
    limits: { type: "text", value: "AMOUNTS", summary: "what a container may use at most: cpu=500m,memory=64Mi" },
    requests: { type: "text", value: "AMOUNTS", summary: "what is reserved for a container" },
    containers: { type: "text", short: "c", value: "NAME", summary: "containers meant; all when absent" },
    ...CHOICE_FLAGS,
    ...DRY_RUN_FLAGS,
    ...LOCAL_FLAGS,
    ...WRITTEN_FLAGS,
    ...CLUSTER_FLAGS,
  },
  operands: "objects",
  run: runSetResources,
});
