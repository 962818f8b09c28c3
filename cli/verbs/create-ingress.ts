import { ingressSpec } from "../create/ingress.js";
import { pairsOf } from "../create/pairs.js";
import { nameOf } from "../create/pods.js";
import { createMadeUp } from "../create/write.js";
import { CLUSTER_FLAGS, DRY_RUN_FLAGS } from "../flags.js";
import { WRITTEN_FLAGS } from "../output/printer.js";
import { verb } from "../verb.js";

/** Hosts and paths that lead to services. */
export const createIngress = verb({
  forms: ["create ingress NAME --rule=HOST/PATH=SERVICE:PORT[,tls[=SECRET]]… [--class=NAME]"],
  examples: [
    ["create ingress shop --rule='shop.example/*=web:80'", "everything of the host"],
    ["create ingress shop --rule='shop.example/*=web:80,tls=cert'", "the same with the certificate of a secret"],
    ["create ingress any --default-backend=web:80", "every host"],
  ],
  flags: {
    rule: { type: "list", value: "RULE", summary: "a path and its service; a path that ends in * is a prefix" },
    class: { type: "text", value: "NAME", summary: "the ingress class" },
    defaultBackend: { type: "text", value: "SERVICE:PORT", summary: "what serves everything that no rule is about" },
    annotation: { type: "list", value: "NAME=VALUE", summary: "an annotation; may be repeated" },
    ...DRY_RUN_FLAGS,
    ...WRITTEN_FLAGS,
    ...CLUSTER_FLAGS,
  },
  operands: "words",
  run: async ({ flags, operands }, shell) => {
    const annotations = pairsOf("--annotation", flags.annotation);
    return createMadeUp(flags, shell, {
      apiVersion: "networking.k8s.io/v1",
      kind: "Ingress",
      metadata: {
        name: nameOf(operands, "ingress"),
        ...(flags.annotation.length === 0 ? {} : { annotations }),
      },
      spec: {
        ...(flags.class === undefined ? {} : { ingressClassName: flags.class }),
        ...ingressSpec(flags.rule, flags.defaultBackend),
      },
    });
  },
});
