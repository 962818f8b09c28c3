import type { JsonObject } from "../../kinds/encode.js";
import { usageError } from "../verb.js";

/** The forms of a service on the command line, and their types. */
export const SERVICE_TYPES: Readonly<Record<string, string>> = {
  clusterip: "ClusterIP",
  nodeport: "NodePort",
  loadbalancer: "LoadBalancer",
  externalname: "ExternalName",
};

/** Ports out of `PORT[:TARGET]`, named as kubectl names them. */
export function servicePorts(texts: readonly string[], nodePort: number | undefined): readonly JsonObject[] {
  return texts.map((text) => {
    const [port = "", target = port, ...more] = text.split(":");
    if (!/^\d+$/.test(port) || target === "" || more.length > 0)
      throw usageError(`--tcp: "${text}" is not PORT[:TARGET]`);
    return {
      name: target === port ? port : `${port}-${target}`,
      port: Number(port),
      protocol: "TCP",
      targetPort: /^\d+$/.test(target) ? Number(target) : target,
      ...(nodePort === undefined ? {} : { nodePort }),
    };
  });
}
