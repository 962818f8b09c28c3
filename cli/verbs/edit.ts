import { runEdit } from "../edit/edit.js";
import { CHOICE_FLAGS, CLUSTER_FLAGS, DRY_RUN_FLAGS } from "../flags.js";
import { WRITTEN_FLAGS } from "../output/printer.js";
import { verb } from "../verb.js";

/** The editor is that of TSCTL_EDITOR, KUBE_EDITOR, VISUAL or EDITOR, else vi. */
export const edit = verb({
  forms: ["edit TYPE NAME…", "edit TYPE/NAME…", "edit -f FILE"],
  description:
    "The editor is the one that TSCTL_EDITOR, KUBE_EDITOR, VISUAL or EDITOR names, else vi. What cannot be written because\nsomebody else changed the object meanwhile stays in a file that is named.",
  flags: { ...CHOICE_FLAGS, ...DRY_RUN_FLAGS, ...WRITTEN_FLAGS, ...CLUSTER_FLAGS },
  operands: "objects",
  run: runEdit,
});
