import { CLUSTER_FLAGS, DRY_RUN_FLAGS, SELECT_FLAGS } from "../flags.js";
import { runTaint } from "../node/taint.js";
import { WRITTEN_FLAGS } from "../output/printer.js";
import { verb } from "../verb.js";

/** Taints keep away, or drive away, the pods that do not tolerate them. */
export const taint = verb({
  forms: [
    "taint node NAME… KEY=VALUE:EFFECT… KEY-…",
    "taint node -l LABELS KEY=VALUE:EFFECT…",
    "taint node --all KEY-",
  ],
  description:
    "Effects: NoSchedule keeps new pods away, PreferNoSchedule makes the node the last choice, NoExecute evicts what runs there too, at once or\nwhen the pod's tolerationSeconds are over.",
  examples: [
    ["taint node host1 gpu=only:NoSchedule", "keep pods away that do not tolerate it"],
    ["taint node host1 gpu:NoSchedule-", "take this taint away"],
    ["taint node host1 gpu-", "take every taint of the key away"],
  ],
  flags: {
    overwrite: { type: "switch", summary: "replace values that are there" },
    selector: SELECT_FLAGS.selector,
    all: { type: "switch", summary: "every node" },
    ...DRY_RUN_FLAGS,
    ...WRITTEN_FLAGS,
    ...CLUSTER_FLAGS,
  },
  operands: "objects",
  run: runTaint,
});
