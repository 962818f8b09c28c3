import { nameOf } from "../create/pods.js";
import { createMadeUp } from "../create/write.js";
import { CLUSTER_FLAGS, DRY_RUN_FLAGS } from "../flags.js";
import { WRITTEN_FLAGS } from "../output/printer.js";
import { verb } from "../verb.js";

/** A scope for names. */
export const createNamespace = verb({
  forms: ["create namespace NAME"],
  flags: {
    ...DRY_RUN_FLAGS,
    ...WRITTEN_FLAGS,
    ...CLUSTER_FLAGS,
  },
  operands: "words",
  run: ({ flags, operands }, shell) =>
    createMadeUp(flags, shell, {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: nameOf(operands, "namespace") },
    }),
});
