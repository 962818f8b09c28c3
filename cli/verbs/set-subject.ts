import { type Json, type JsonObject, toJson } from "../../kinds/encode.js";
import { KINDS } from "../../kinds/registry.js";
import { mergePatch } from "../change/change.js";
import { changeChosen } from "../change/each.js";
import { mapsIn } from "../change/pod-template.js";
import { subjectsOf } from "../create/rbac.js";
import { CHOICE_FLAGS, CLUSTER_FLAGS, DRY_RUN_FLAGS, LOCAL_FLAGS } from "../flags.js";
import { WRITTEN_FLAGS } from "../output/printer.js";
import { usageError, verb } from "../verb.js";
import { SUBJECT_FLAGS } from "./create-rolebinding.js";

/** Adds users, groups and accounts to bindings; who is in one already stays once. */
export const setSubject = verb({
  forms: ["set subject TYPE/NAME… [--user=…] [--group=…] [--serviceaccount=NAMESPACE:NAME]"],
  examples: [["set subject rolebinding/readers --user=ann", "ann may what the binding gives"]],
  flags: { ...SUBJECT_FLAGS, ...CHOICE_FLAGS, ...DRY_RUN_FLAGS, ...LOCAL_FLAGS, ...WRITTEN_FLAGS, ...CLUSTER_FLAGS },
  operands: "objects",
  run: async ({ flags, operands }, shell) => {
    const added = subjectsOf(flags);
    if (added.length === 0) throw usageError("say who: --user, --group or --serviceaccount");
    return changeChosen({ flags, operands }, shell, {
      plan: (live) => {
        if (live.kind !== "RoleBinding" && live.kind !== "ClusterRoleBinding")
          throw usageError(`${KINDS[live.kind].plural} have no subjects`);
        const held = mapsIn(toJson(live)["subjects"]);
        const missing = added.filter((subject) => !held.some((one) => keyOf(one) === keyOf(subject)));
        return missing.length === 0 ? undefined : mergePatch({ subjects: [...held, ...missing] });
      },
      told: ({ isChanged }) => (isChanged ? "subjects updated" : "unchanged"),
    });
  },
});

function keyOf({ kind, name, namespace }: JsonObject): string {
  const text = (value: Json | undefined): string => (typeof value === "string" ? value : "");
  return [kind, name, namespace].map(text).join("/");
}
