import type { JsonObject } from "../../kinds/encode.js";
import { nameOf } from "../create/pods.js";
import { createMadeUp } from "../create/write.js";
import { CLUSTER_FLAGS, DRY_RUN_FLAGS } from "../flags.js";
import { WRITTEN_FLAGS } from "../output/printer.js";
import { usageError, verb } from "../verb.js";

/** A bound for all objects of a namespace together. */
export const createQuota = verb({
  forms: ["create quota NAME --hard=RESOURCE=AMOUNT,… [--scopes=SCOPE,…]"],
  examples: [["create quota small --hard=pods=10,requests.cpu=4", "at most ten pods and four cores"]],
  flags: {
    hard: { type: "text", value: "AMOUNTS", summary: "the bounds: pods=10,requests.cpu=4" },
    scopes: { type: "text", value: "SCOPES", summary: "only objects of these scopes" },
    ...DRY_RUN_FLAGS,
    ...WRITTEN_FLAGS,
    ...CLUSTER_FLAGS,
  },
  operands: "words",
  run: async ({ flags, operands }, shell) => {
    const name = nameOf(operands, "quota");
    const hard = (flags.hard ?? "").split(",").map((part) => {
      const [resource = "", amount = "", ...more] = part.split("=");
      if (resource === "" || amount === "" || more.length > 0)
        throw usageError(`--hard: "${part}" is not RESOURCE=AMOUNT`);
      return [resource, amount];
    });
    const scopes: JsonObject = flags.scopes === undefined ? {} : { scopes: flags.scopes.split(",") };
    return createMadeUp(flags, shell, {
      apiVersion: "v1",
      kind: "ResourceQuota",
      metadata: { name },
      spec: { hard: Object.fromEntries(hard), ...scopes },
    });
  },
});
