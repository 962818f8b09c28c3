import { nameOf } from "../create/pods.js";
import { SERVICE_TYPES, servicePorts } from "../create/service.js";
import { createMadeUp } from "../create/write.js";
import { CLUSTER_FLAGS, DRY_RUN_FLAGS } from "../flags.js";
import { WRITTEN_FLAGS } from "../output/printer.js";
import { usageError, verb } from "../verb.js";

/** Its pods are those labelled app=NAME. */
export const createService = verb({
  forms: [
    "create service clusterip NAME --tcp=PORT[:TARGET]… [--clusterip=ADDRESS|None]",
    "create service nodeport NAME --tcp=PORT[:TARGET] [--node-port=PORT]",
    "create service loadbalancer NAME --tcp=PORT[:TARGET]…",
    "create service externalname NAME --external-name=HOST",
  ],
  flags: {
    tcp: { type: "list", value: "PORT[:TARGET]", summary: "port of the service and of its pods; may be repeated" },
    clusterip: { type: "text", value: "ADDRESS", summary: 'address of the service, "None" for a headless one' },
    nodePort: { type: "number", value: "PORT", min: 1, summary: "port on every node" },
    externalName: { type: "text", value: "HOST", summary: "the name that stands for the service" },
    ...DRY_RUN_FLAGS,
    ...WRITTEN_FLAGS,
    ...CLUSTER_FLAGS,
  },
  operands: "words",
  run: async ({ flags, operands }, shell) => {
    const [form = "", ...rest] = operands;
    const type = SERVICE_TYPES[form];
    if (type === undefined) throw usageError(`name the form of the service: ${Object.keys(SERVICE_TYPES).join(", ")}`);
    const name = nameOf(rest, "service");
    const isExternal = type === "ExternalName";
    if (isExternal && flags.externalName === undefined) throw usageError("say which name: --external-name=HOST");
    const ports = servicePorts(flags.tcp, flags.nodePort);
    if (ports.length === 0 && !isExternal && flags.clusterip !== "None")
      throw usageError("say which port: --tcp=PORT[:TARGET]");
    return createMadeUp(flags, shell, {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name, labels: { app: name } },
      spec: {
        type,
        selector: { app: name },
        ...(ports.length === 0 ? {} : { ports }),
        ...(flags.clusterip === undefined ? {} : { clusterIP: flags.clusterip }),
        ...(flags.externalName === undefined ? {} : { externalName: flags.externalName }),
      },
    });
  },
});
