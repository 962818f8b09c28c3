import type { JsonObject } from "../../kinds/encode.js";
import { toJson } from "../../kinds/encode.js";
import { parseLabelSelector } from "../../kinds/selector-text.js";
import { mergePatch } from "../change/change.js";
import { changeChosen } from "../change/each.js";
import { valueAt } from "../change/pod-template.js";
import { CHOICE_FLAGS, CLUSTER_FLAGS, DRY_RUN_FLAGS, LOCAL_FLAGS } from "../flags.js";
import { splitPairs } from "../label/label.js";
import { WRITTEN_FLAGS } from "../output/printer.js";
import { usageError, verb } from "../verb.js";

/** The old selector goes whole. Only services have one that may change. */
export const setSelector = verb({
  forms: ["set selector service NAME KEY=VALUE,…"],
  flags: { ...CHOICE_FLAGS, ...DRY_RUN_FLAGS, ...LOCAL_FLAGS, ...WRITTEN_FLAGS, ...CLUSTER_FLAGS },
  operands: "objects",
  run: async ({ flags, operands }, shell) => {
    const { objects, pairs } = splitPairs(operands);
    if (pairs.length === 0) throw usageError("name the service, then the labels of its pods: app=web");
    const { matchExpressions } = parseLabelSelector(pairs.join(","));
    const wanted = matchExpressions.map(({ key, operator, values: [value = ""], ...rest }) => {
      if (operator !== "In") throw usageError("the selector of a service is KEY=VALUE,…");
      return [key, value, rest] as const;
    });
    return changeChosen({ flags, operands: objects }, shell, {
      plan: (live) => {
        if (live.kind !== "Service") throw usageError("only services have a selector that may change");
        const held = valueAt(toJson(live), ["spec", "selector"]);
        const gone = Object.fromEntries(Object.keys(held ?? {}).map((key) => [key, null]));
        const selector: JsonObject = { ...gone, ...Object.fromEntries(wanted) };
        return mergePatch({ spec: { selector } });
      },
      told: () => "selector updated",
    });
  },
});
