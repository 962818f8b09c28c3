import type { Typed } from "../../kinds/object.js";
import { withChanges } from "../change/each.js";
import { createObject, madeUp } from "../create/write.js";
import { EXIT } from "../exit-codes.js";
import { serviceFor } from "../expose/expose.js";
import { CLUSTER_FLAGS, DRY_RUN_FLAGS } from "../flags.js";
import { getObject } from "../objects.js";
import { WRITTEN_FLAGS } from "../output/printer.js";
import { readTarget } from "../targets.js";
import { verb } from "../verb.js";

/** Makes a service of what runs. */
export const expose = verb({
  forms: ["expose TYPE/NAME [--port=PORT] [--target-port=PORT] [--type=TYPE] [--name=NAME]"],
  examples: [
    ["expose deploy/web --port=80 --target-port=8080", "an address of the cluster for its pods"],
    ["expose deploy/web --type=NodePort", "its containers' ports, on every node too"],
  ],
  flags: {
    port: {
      type: "number",
      value: "PORT",
      min: 1,
      summary: "port of the service; those of the containers when absent",
    },
    targetPort: {
      type: "text",
      value: "PORT",
      summary: "port of the pods, by number or name; the service's when absent",
    },
    protocol: { type: "text", value: "NAME", choices: ["TCP", "UDP", "SCTP"], summary: "TCP when absent" },
    type: {
      type: "text",
      value: "TYPE",
      choices: ["ClusterIP", "NodePort", "LoadBalancer"],
      summary: "how it is reached; ClusterIP when absent",
    },
    name: { type: "text", value: "NAME", summary: "name of the service; the object's when absent" },
    selector: { type: "text", value: "LABELS", summary: "the pods; those of the object when absent" },
    labels: { type: "text", short: "l", value: "LABELS", summary: "labels of the service; the object's when absent" },
    clusterIp: { type: "text", value: "ADDRESS", summary: 'address of the service, "None" for a headless one' },
    externalIp: { type: "text", value: "ADDRESS", summary: "a further address at which it is reached" },
    sessionAffinity: { type: "text", value: "HOW", choices: ["None", "ClientIP"], summary: "keep a client with a pod" },
    ...DRY_RUN_FLAGS,
    ...WRITTEN_FLAGS,
    ...CLUSTER_FLAGS,
  },
  operands: "objects",
  run: ({ flags, operands }, shell) => {
    const { kind, name } = readTarget(operands);
    return withChanges(flags, shell, async ({ cluster, run, tell }) => {
      const object = await getObject(cluster, { kind, namespace: cluster.namespace, name }, shell.signal);
      // getObject checks the kind.
      const service = serviceFor({ kind, object } as Typed, flags);
      await tell([{ typed: await createObject(run, madeUp(service, cluster.namespace)), told: "exposed" }]);
      return EXIT.ok;
    });
  },
});
