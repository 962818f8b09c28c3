import { metaOf } from "../../kinds/object.js";
import { isPodFinished } from "../../kinds/pod-state.js";
import { limit } from "../../lib/limits.js";
import type { Ingress } from "../../proto/gen/tallship/v1/ingress.js";
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
  /** svc/web, pod/web-0 or ingress/web. */
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
    const [services, pods, ingresses] = await Promise.all([
      listObjects(cluster, { kind: "Service", namespace }, shell.signal),
      listObjects(cluster, { kind: "Pod", namespace }, shell.signal),
      listObjects(cluster, { kind: "Ingress", namespace }, shell.signal),
    ]);
    const open = [
      ...services.objects.flatMap((typed) => (typed.kind === "Service" ? servicePorts(typed.object) : [])),
      ...pods.objects.flatMap((typed) => (typed.kind === "Pod" ? podPorts(typed.object) : [])),
      ...ingresses.objects.flatMap((typed) => (typed.kind === "Ingress" ? ingressPorts(typed.object) : [])),
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

/** The entry for HTTP of the nodes that serve the ingress, by the hosts that it names; none while no node does. */
export function ingressPorts(ingress: Ingress): readonly OpenPort[] {
  const { metadata, spec, status } = ingress;
  if ((status?.loadBalancer?.ingress ?? []).length === 0) return [];
  const { namespace, name } = metaOf({ metadata });
  const rules = (spec?.rules ?? []).map(({ host }) => host || "any host");
  const secured = (spec?.tls ?? []).filter(({ secretName }) => secretName !== "");
  const row = (number: number, hosts: readonly string[]): OpenPort => {
    const from = `whoever reaches a node that serves it, by HTTP for ${hostsText(hosts)}`;
    return { namespace, owner: `ingress/${name}`, address: "*", port: `${number}/TCP`, from };
  };
  return [
    row(limit("ingressHttpPort"), rules.length === 0 ? ["any host"] : rules),
    ...(secured.length === 0 ? [] : [row(limit("ingressHttpsPort"), securedHosts(secured, rules))]),
  ];
}

/** Of a certificate without hosts those of the rules. */
function securedHosts(
  secured: readonly { readonly hosts: readonly string[] }[],
  rules: readonly string[],
): readonly string[] {
  return secured.flatMap(({ hosts }) => (hosts.length > 0 ? hosts : rules));
}

/** So many hosts are named; of more there is the number. */
const HOSTS_NAMED = 3;

function hostsText(hosts: readonly string[]): string {
  const all = [...new Set(hosts)];
  const more = all.length - HOSTS_NAMED;
  return `${all.slice(0, HOSTS_NAMED).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

function protocolOf({ protocol }: ServicePort): string {
  return protocol || "TCP";
}
