import type { JsonObject } from "../../kinds/encode.js";
import { FORMATS } from "../../kinds/formats.js";
import { ANY_NODE_PORT } from "../../kinds/node-ports.js";
import { RUN_LABEL } from "../../kinds/power.js";
import type { PublishedPort } from "../compose/model/ports.js";
import { usageError } from "../verb.js";
import { KUBECTL_EXPOSE, type RunFlags } from "./flags.js";

/** In kubectl's form --expose has no value: it makes a service of --port. */
export function exposedBy(flags: RunFlags): readonly string[] {
  const isAlone = flags.expose.includes(KUBECTL_EXPOSE);
  if (isAlone && !isKubectls(flags)) throw usageError("--expose needs a value: --expose PORT");
  if (isAlone && flags.port === undefined)
    throw usageError("--expose makes a service of a port: say which with --port");
  return flags.expose.filter((text) => text !== KUBECTL_EXPOSE);
}

/** kubectl's form: what it makes is to be as kubectl makes it. */
export function isKubectls({ image }: RunFlags): boolean {
  return image !== undefined;
}

/** The ports that are open on every node, and a name in DNS for what the user has named. */
export function servicesOf(
  flags: RunFlags,
  { name, isNamed }: { readonly name: string; readonly isNamed: boolean },
  ports: readonly PublishedPort[],
): readonly JsonObject[] {
  const selector = { [RUN_LABEL]: name };
  const service = (of: string, spec: JsonObject, annotations?: JsonObject): JsonObject => ({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: of, labels: selector, ...(annotations === undefined ? {} : { annotations }) },
    spec: { selector, ...spec },
  });
  // kubectl's users make their services themselves, under the pod's name.
  const canBeNamed = isNamed && !isKubectls(flags) && FORMATS.dnsLabelLetterFirst(name) === undefined;
  const { port } = flags;
  const ofKubectl = flags.expose.includes(KUBECTL_EXPOSE) && port !== undefined;
  return [
    ...(ofKubectl ? [service(name, { ports: [{ port, targetPort: port }] })] : []),
    ...(canBeNamed ? [service(name, { clusterIP: "None", ipFamilyPolicy: "PreferDualStack" })] : []),
    ...(ports.length === 0
      ? []
      : [
          service(
            `${name}-published`,
            // As docker publishes: by both families, where there are both.
            { type: "NodePort", ipFamilyPolicy: "PreferDualStack", ports: ports.map(servicePort) },
            { [ANY_NODE_PORT]: "true" },
          ),
        ]),
  ];
}

function servicePort({ target, published, protocol }: PublishedPort): JsonObject {
  const port = published ?? target;
  return {
    name: `${protocol.toLowerCase()}-${port}-${target}`,
    port,
    targetPort: target,
    protocol,
    ...(published === undefined ? {} : { nodePort: published }),
  };
}
