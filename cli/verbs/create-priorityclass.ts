import { nameOf } from "../create/pods.js";
import { createMadeUp } from "../create/write.js";
import { CLUSTER_FLAGS, DRY_RUN_FLAGS } from "../flags.js";
import { WRITTEN_FLAGS } from "../output/printer.js";
import { usageError, verb } from "../verb.js";

/** Pods of a higher class are placed first. */
export const createPriorityClass = verb({
  forms: ["create priorityclass NAME --value=N [--description=TEXT] [--global-default]"],
  flags: {
    value: { type: "number", value: "N", summary: "the priority; higher goes first" },
    description: { type: "text", value: "TEXT", summary: "when to use the class" },
    globalDefault: { type: "switch", summary: "the class of pods that name none" },
    preemptionPolicy: {
      type: "text",
      value: "POLICY",
      choices: ["PreemptLowerPriority", "Never"],
      summary: "whether its pods push others out",
    },
    ...DRY_RUN_FLAGS,
    ...WRITTEN_FLAGS,
    ...CLUSTER_FLAGS,
  },
  operands: "words",
  run: async ({ flags, operands }, shell) => {
    const name = nameOf(operands, "priority class");
    if (flags.value === undefined) throw usageError("say which priority: --value=N");
    return createMadeUp(flags, shell, {
      apiVersion: "scheduling.k8s.io/v1",
      kind: "PriorityClass",
      metadata: { name },
      value: flags.value,
      ...(flags.globalDefault ? { globalDefault: true } : {}),
      ...(flags.description === undefined ? {} : { description: flags.description }),
      ...(flags.preemptionPolicy === undefined ? {} : { preemptionPolicy: flags.preemptionPolicy }),
    });
  },
});
