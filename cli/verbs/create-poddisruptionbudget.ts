import type { JsonObject } from "../../kinds/encode.js";
import { parseLabelSelector } from "../../kinds/selector-text.js";
import { nameOf } from "../create/pods.js";
import { createMadeUp } from "../create/write.js";
import { CLUSTER_FLAGS, DRY_RUN_FLAGS } from "../flags.js";
import { WRITTEN_FLAGS } from "../output/printer.js";
import { usageError, verb } from "../verb.js";

/** How many pods an eviction must leave. */
export const createPodDisruptionBudget = verb({
  forms: [
    "create poddisruptionbudget NAME --selector=LABELS --min-available=N|P%",
    "create pdb NAME --selector=LABELS --max-unavailable=N|P%",
  ],
  examples: [["create pdb web --selector=app=web --min-available=50%", "at least half of them stay"]],
  flags: {
    selector: { type: "text", value: "LABELS", summary: "the pods it is about: app=web,tier in (a,b)" },
    minAvailable: { type: "text", value: "AMOUNT", summary: "how many stay, as a number or a percentage" },
    maxUnavailable: { type: "text", value: "AMOUNT", summary: "how many may be gone at a time" },
    ...DRY_RUN_FLAGS,
    ...WRITTEN_FLAGS,
    ...CLUSTER_FLAGS,
  },
  operands: "words",
  run: async ({ flags, operands }, shell) => {
    const { selector, minAvailable, maxUnavailable } = flags;
    if (selector === undefined) throw usageError("say which pods: --selector=app=web");
    if ((minAvailable === undefined) === (maxUnavailable === undefined))
      throw usageError("say how many: --min-available or --max-unavailable");
    return createMadeUp(flags, shell, {
      apiVersion: "policy/v1",
      kind: "PodDisruptionBudget",
      metadata: { name: nameOf(operands, "pod disruption budget") },
      spec: {
        ...(minAvailable === undefined ? {} : { minAvailable: amountOf(minAvailable) }),
        ...(maxUnavailable === undefined ? {} : { maxUnavailable: amountOf(maxUnavailable) }),
        selector: selectorOf(selector),
      },
    });
  },
});

/** Labels that must be equal are written as such, everything else as expressions. */
function selectorOf(text: string): JsonObject {
  const all = parseLabelSelector(text).matchExpressions;
  const isEqual = ({ operator, values }: { readonly operator: string; readonly values: readonly string[] }): boolean =>
    operator === "In" && values.length === 1;
  const matchLabels = Object.fromEntries(all.filter(isEqual).map(({ key, values }) => [key, values[0] ?? ""]));
  const matchExpressions = all
    .filter((each) => !isEqual(each))
    .map(({ key, operator, values }) => ({ key, operator, ...(values.length === 0 ? {} : { values }) }));
  return {
    ...(Object.keys(matchLabels).length === 0 ? {} : { matchLabels }),
    ...(matchExpressions.length === 0 ? {} : { matchExpressions }),
  };
}

function amountOf(text: string): string | number {
  return /^\d+$/.test(text) ? Number(text) : text;
}
