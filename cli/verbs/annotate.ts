import { CHOICE_FLAGS, CLUSTER_FLAGS, DRY_RUN_FLAGS, LOCAL_FLAGS } from "../flags.js";
import { runLabel } from "../label/label.js";
import { WRITTEN_FLAGS } from "../output/printer.js";
import { verb } from "../verb.js";

/** Annotations are for people and programs; nothing is selected by them. */
export const annotate = verb({
  forms: ["annotate TYPE NAME… KEY=VALUE… KEY-…", "annotate TYPE/NAME… KEY=VALUE…"],
  examples: [["annotate deploy/hello kubernetes.io/change-cause='new image'", "say why, for `rollout history`"]],
  flags: {
    overwrite: { type: "switch", summary: "replace values that are there" },
    list: { type: "switch", summary: "print the annotations and change nothing" },
    ...CHOICE_FLAGS,
    ...DRY_RUN_FLAGS,
    ...LOCAL_FLAGS,
    ...WRITTEN_FLAGS,
    ...CLUSTER_FLAGS,
  },
  operands: "objects",
  run: (call, shell) =>
    runLabel(call, shell, {
      ...{ field: "annotations", noun: "annotation" },
      ...{ told: "annotated", removed: "annotated", unchanged: "annotated" },
    }),
});
