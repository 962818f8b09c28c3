import { hostPort } from "../../lib/host-port.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import type { Service } from "../../proto/gen/tallship/v1/service.js";

/** A port of a container that is open on nodes. */
export interface OpenPort {
  /** Address of the node; 0.0.0.0: all of IPv4, of every node; `::`: all of IPv6. */
  readonly address: string;
  readonly published: number;
  readonly target: number;
  readonly protocol: string;
}

/** The ports of a pod that are open: those of services that choose it on every node, its own host ports on its node. What is open by both families is named for each, as docker does. */
export function openPorts(pod: Pod, services: readonly Service[]): readonly OpenPort[] {
  const every = anyAddress(pod);
  const own = (pod.spec?.containers ?? []).flatMap(({ ports }) =>
    ports
      .filter((port) => port.hostPort > 0)
      .flatMap(({ hostIP = "", hostPort: published, containerPort: target, protocol }) =>
        (hostIP === "" ? every : [hostIP]).map((address) => ({
          ...{ address, published, target },
          protocol: (protocol || "TCP").toLowerCase(),
        })),
      ),
  );
  const published = services.filter((service) => chooses(service, pod)).flatMap((service) => portsOf(service, pod));
  return [...own, ...published].sort((left, right) => left.target - right.target || left.published - right.published);
}

function chooses({ metadata, spec }: Service, pod: Pod): boolean {
  const selector = Object.entries(spec?.selector ?? {});
  if (selector.length === 0 || metadata?.namespace !== pod.metadata?.namespace) return false;
  return selector.every(([key, value]) => pod.metadata?.labels[key] === value);
}

/** What stands for all addresses of a node by which a pod may be reached. */
function anyAddress({ status }: Pod): readonly string[] {
  return status?.podIPs.some(({ ip }) => ip.includes(":")) === true ? ["0.0.0.0", "::"] : ["0.0.0.0"];
}

function portsOf({ spec }: Service, pod: Pod): readonly OpenPort[] {
  const families = new Set(spec?.ipFamilies.length === 0 ? ["IPv4"] : spec?.ipFamilies);
  const addresses = anyAddress(pod).filter((address) => families.has(address === "::" ? "IPv6" : "IPv4"));
  return (spec?.ports ?? [])
    .filter(({ nodePort }) => nodePort > 0)
    .flatMap(({ nodePort: published, port, targetPort, protocol }) =>
      addresses.map((address) => ({
        ...{ address, published },
        target: targetNumber(targetPort?.value, port, pod),
        protocol: (protocol || "TCP").toLowerCase(),
      })),
    );
}

type Target =
  | { readonly $case: "intVal"; readonly value: number }
  | { readonly $case: "strVal"; readonly value: string };

/** The number of the pod's port that a service leads to; a name is that of a container's port. */
function targetNumber(target: Target | undefined, port: number, pod: Pod): number {
  if (target === undefined) return port;
  if (target.$case === "intVal") return target.value === 0 ? port : target.value;
  const named = (pod.spec?.containers ?? []).flatMap(({ ports }) => ports).find(({ name }) => name === target.value);
  return named?.containerPort ?? port;
}

/** As `docker ps` shows them. */
export function portsText(ports: readonly OpenPort[]): string {
  return ports
    .map(({ address, published, target, protocol }) => `${hostPort(address, published)}->${target}/${protocol}`)
    .join(", ");
}
