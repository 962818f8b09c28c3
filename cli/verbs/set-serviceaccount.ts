import { mergePatch } from "../change/change.js";
import { changeChosen } from "../change/each.js";
import { nested, podSpecPathOf } from "../change/pod-template.js";
import { CHOICE_FLAGS, CLUSTER_FLAGS, DRY_RUN_FLAGS, LOCAL_FLAGS } from "../flags.js";
import { namesFiles } from "../input/files.js";
import { WRITTEN_FLAGS } from "../output/printer.js";
import { usageError, verb } from "../verb.js";

/** A roll-out follows where the kind rolls out. */
export const setServiceAccount = verb({
  forms: ["set serviceaccount TYPE/NAME… ACCOUNT", "set serviceaccount TYPE NAME ACCOUNT"],
  flags: { ...CHOICE_FLAGS, ...DRY_RUN_FLAGS, ...LOCAL_FLAGS, ...WRITTEN_FLAGS, ...CLUSTER_FLAGS },
  operands: "objects",
  run: async ({ flags, operands }, shell) => {
    const serviceAccountName = operands.at(-1);
    const objects = operands.slice(0, -1);
    if (serviceAccountName === undefined || (objects.length === 0 && !namesFiles(flags)))
      throw usageError("name the objects, then the service account");
    return changeChosen({ flags, operands: objects }, shell, {
      plan: ({ kind }) => mergePatch(nested([...podSpecPathOf(kind), "serviceAccountName"], serviceAccountName)),
      told: () => "serviceaccount updated",
    });
  },
});
