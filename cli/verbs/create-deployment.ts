import type { JsonObject } from "../../kinds/encode.js";
import { containersOf, nameOf } from "../create/pods.js";
import { createMadeUp } from "../create/write.js";
import { CLUSTER_FLAGS, DRY_RUN_FLAGS } from "../flags.js";
import { WRITTEN_FLAGS } from "../output/printer.js";
import { verb } from "../verb.js";

/** Pods are labelled app=NAME. */
export const createDeployment = verb({
  forms: ["create deployment NAME --image=IMAGE… [-- COMMAND ARG…]"],
  examples: [["create deployment web --image=web:1 --replicas=3 --port=80", "three pods"]],
  flags: {
    image: { type: "list", value: "IMAGE", summary: "image of a container; may be repeated" },
    replicas: { type: "number", short: "r", value: "N", min: 0, summary: "number of pods; 1 when absent" },
    port: { type: "number", value: "PORT", min: 1, summary: "port that the container answers on" },
    ...DRY_RUN_FLAGS,
    ...WRITTEN_FLAGS,
    ...CLUSTER_FLAGS,
  },
  operands: "words",
  takesCommand: true,
  run: async ({ flags, operands, rest }, shell) => {
    const name = nameOf(operands, "deployment");
    const labels = { app: name };
    const ports: JsonObject = flags.port === undefined ? {} : { ports: [{ containerPort: flags.port }] };
    return createMadeUp(flags, shell, {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name, labels },
      spec: {
        replicas: flags.replicas ?? 1,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: containersOf(flags.image, rest, ports) } },
      },
    });
  },
});
