import { CHOICE_FLAGS, CLUSTER_FLAGS, DRY_RUN_FLAGS, LOCAL_FLAGS } from "../flags.js";
import { runLabel } from "../label/label.js";
import { WRITTEN_FLAGS } from "../output/printer.js";
import { verb } from "../verb.js";

/** Labels are what objects are selected by. */
export const label = verb({
  forms: ["label TYPE NAME… KEY=VALUE… KEY-…", "label TYPE/NAME… KEY=VALUE…", "label TYPE -l LABELS KEY=VALUE…"],
  examples: [
    ["label node host1 disk=ssd", "set a label"],
    ["label pods --all tier-", "take one away from every pod"],
  ],
  flags: {
    overwrite: { type: "switch", summary: "replace values that are there" },
    list: { type: "switch", summary: "print the labels and change nothing" },
    ...CHOICE_FLAGS,
    ...DRY_RUN_FLAGS,
    ...LOCAL_FLAGS,
    ...WRITTEN_FLAGS,
    ...CLUSTER_FLAGS,
  },
  operands: "objects",
  run: (call, shell) =>
    runLabel(call, shell, {
      ...{ field: "labels", noun: "label" },
      ...{ told: "labeled", removed: "unlabeled", unchanged: "not labeled" },
    }),
});
