import { metaOf } from "../../kinds/object.js";
import { isPodFinished } from "../../kinds/pod-state.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import type { Service, ServicePort, ServiceSpec } from "../../proto/gen/tallship/v1/service.js";
import { type ClusterFlags, withCluster } from "../cluster.js";
import { EXIT } from "../exit-codes.js";
import { listObjects } from "../objects.js";
import { safeText } from "../safe-text.js";
import type { Shell } from "../shell.js";
import { formatTable } from "../table.js";

/** One address and port that leads into the cluster. */
export interface OpenPort {
  readonly namespace: string;
  /** svc/web or pod/web-0. */
  readonly owner: string;
  /** `*` for every address of every node. */
  readonly address: string;
  readonly port: string;
  /** Who reaches it, in a few words. */
  readonly from: string;
}

/** Prints what is reachable from where. */
export async function runPorts(
  { flags }: { readonly flags: ClusterFlags & { readonly allNamespaces: boolean } },
  shell: Shell,
): Promise<number> {
  return withCluster(shell, flags, async (cluster) => {
    const namespace = flags.allNamespaces ? undefined : cluster.namespace;
    const [services, pods] = await Promise.all([
      listObjects(cluster, { kind: "Service", namespace }, shell.signal),
      listObjects(cluster, { kind: "Pod", namespace }, shell.signal),
    ]);
    const open = [
      ...services.objects.flatMap((typed) => (typed.kind === "Service" ? servicePorts(typed.object) : [])),
      ...pods.objects.flatMap((typed) => (typed.kind === "Pod" ? podPorts(typed.object) : [])),
    ];
    if (open.length === 0) {
      await shell.stderr.write("no ports are open\n");
      return EXIT.ok;
    }
    const hasSpace = flags.allNamespaces;
    const headings = [...(hasSpace ? ["NAMESPACE"] : []), "OF", "ADDRESS", "PORT", "FROM"];
    const rows = open.map((each) => [
      ...(hasSpace ? [each.namespace] : []),
      each.owner,
      each.address,
      each.port,
      each.from,
    ]);
    await shell.stdout.write(safeText(formatTable([headings, ...rows])));
    return EXIT.ok;
  });
}

/** The ports of a service; those of a headless one are its pods' own. */
export function servicePorts(service: Service): readonly OpenPort[] {
  const { spec, status } = service;
  if (spec === undefined || spec.type === "ExternalName" || spec.clusterIP === "" || spec.clusterIP === "None")
    return [];
  const { namespace, name } = metaOf(service);
  const announced = status?.loadBalancer?.ingress.map(({ ip }) => ip).filter((ip) => ip !== "") ?? [];
  const ranges = spec.loadBalancerSourceRanges;
  const local = spec.externalTrafficPolicy === "Local" ? ", on nodes that have an endpoint" : "";
  const link = status?.announcedBy ? `, by way of node ${status.announcedBy}` : "";
  const inside =
    spec.internalTrafficPolicy === "Local" ? "pods and nodes, to endpoints of their own node" : "pods and nodes";
  const owner = `svc/${name}`;
  const served = spec.ports.flatMap((port) => {
    const row = (address: string, number: number, from: string): OpenPort => {
      return { namespace, owner, address, port: `${number}/${protocolOf(port)}`, from };
    };
    return [
      ...addressesOf(spec).map((ip) => row(ip, port.port, inside)),
      ...spec.externalIPs.map((ip) => row(ip, port.port, `whoever can send it to a node${local}`)),
      ...announced.map((ip) =>
        row(
          ip,
          port.port,
          `${ranges.length === 0 ? "whoever reaches the nodes' link" : `pods, nodes and ${ranges.join(", ")}`}${link}`,
        ),
      ),
      ...(port.nodePort === 0 ? [] : [row("*", port.nodePort, `whoever reaches a node${local}`)]),
    ];
  });
  if (spec.healthCheckNodePort === 0) return served;
  const from = "load balancers, to ask a node whether it has an endpoint";
  return [...served, { namespace, owner, address: "*", port: `${spec.healthCheckNodePort}/TCP`, from }];
}

/** One of each family. */
function addressesOf({ clusterIP, clusterIPs }: ServiceSpec): readonly string[] {
  return clusterIPs.length === 0 ? [clusterIP] : clusterIPs;
}

/** The ports of its host that a pod has; those of a pod on the host's own network are all that it listens on. */
export function podPorts(pod: Pod): readonly OpenPort[] {
  const node = pod.spec?.nodeName ?? "";
  if (node === "" || isPodFinished(pod)) return [];
  const { namespace, name } = metaOf(pod);
  return [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])].flatMap(({ ports }) =>
    ports.flatMap(({ hostPort, hostIP, protocol }) => {
      if (hostPort === 0) return [];
      const isAny = hostIP === "" || hostIP === "0.0.0.0" || hostIP === "::";
      const from =
        hostIP.startsWith("127.") || hostIP === "::1" ? `node ${node} itself` : `whoever reaches node ${node}`;
      const address = isAny ? `${node}:*` : hostIP;
      return [{ namespace, owner: `pod/${name}`, address, port: `${hostPort}/${protocol || "TCP"}`, from }];
    }),
  );
}

function protocolOf({ protocol }: ServicePort): string {
  return protocol || "TCP";
}
