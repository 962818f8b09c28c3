import { nameOf } from "../create/pods.js";
import { createMadeUp } from "../create/write.js";
import { CLUSTER_FLAGS, DRY_RUN_FLAGS } from "../flags.js";
import { WRITTEN_FLAGS } from "../output/printer.js";
import { verb } from "../verb.js";

/** An identity for pods. */
export const createServiceAccount = verb({
  forms: ["create serviceaccount NAME"],
  flags: {
    ...DRY_RUN_FLAGS,
    ...WRITTEN_FLAGS,
    ...CLUSTER_FLAGS,
  },
  operands: "words",
  run: ({ flags, operands }, shell) =>
    createMadeUp(flags, shell, {
      apiVersion: "v1",
      kind: "ServiceAccount",
      metadata: { name: nameOf(operands, "service account") },
    }),
});
