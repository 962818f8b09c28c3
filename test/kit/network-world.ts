import { type Family, familyOf } from "../../net/family.js";
import type { NetworkMap, NodeNetworkConfig } from "../../net/node-network.js";
import type { ProxySite } from "../../net/proxy/proxy-state.js";
import { EndpointSlice } from "../../proto/gen/tallship/v1/endpointslice.js";
import { Network } from "../../proto/gen/tallship/v1/network.js";
import { Node } from "../../proto/gen/tallship/v1/node.js";
import { Service } from "../../proto/gen/tallship/v1/service.js";

/** Configuration of a test's node; `at` tells nodes apart: node-4 has 10.128.4.0/24 and 192.168.9.4. */
export function nodeConfig(at: number, runDir = "/nonexistent"): NodeNetworkConfig {
  return {
    nodeName: `node-${at}`,
    podCIDR: `10.128.${at}.0/24`,
    clusterCIDR: "10.128.0.0/9",
    serviceCIDR: "10.96.0.0/12",
    dnsAddress: "10.96.0.10",
    clusterDomain: "cluster.local",
    vxlanPort: 4789,
    vni: 4242,
    directRouting: false,
    encrypted: false,
    underlayIP: `192.168.9.${at}`,
    nodePortMin: 30_000,
    nodePortMax: 32_767,
    internalPorts: [7444, 7445, 7446, 7379, 7380, 7447],
    probePort: 7447,
    runDir,
  };
}

/** What a test's node has of IPv6: node-4 has fd00:10:128:4::/64. */
export function dualStack(at: number): Pick<NodeNetworkConfig, "ipv6"> {
  return {
    ipv6: {
      podCIDR: `fd00:10:128:${at}::/64`,
      clusterCIDR: "fd00:10:128::/48",
      serviceCIDR: "fd00:10:96::/108",
    },
  };
}

/** A node as its session reported it. */
export function nodeObject(
  at: number,
  vtepMAC = `02:00:00:00:01:0${at}`,
  underlayIP = `192.168.9.${at}`,
  zone = "",
): Node {
  const labels: Record<string, string> = zone === "" ? {} : { "topology.kubernetes.io/zone": zone };
  return Node.fromPartial({
    metadata: { name: `node-${at}`, labels },
    spec: { podCIDR: `10.128.${at}.0/24`, podCIDRs: [`10.128.${at}.0/24`, `fd00:10:128:${at}::/64`] },
    status: {
      addresses: [underlayIP, `2001:db8:9::${at}`].map((address) => ({ type: "InternalIP", address })),
      overlay: { underlayIP, vtepMAC, mtu: 1_450, leadsBack: true, leadsBackIPv6: true },
    },
  });
}

type NetworkSpec = NonNullable<Parameters<typeof Network.fromPartial>[0]["spec"]>;

/** Network `shop/NAME` of 10.64.THIRD.0/24, of which node-1 and node-2 have a /26 each. */
export function networkObject(name: string, spec: NetworkSpec, third: number): Network {
  return Network.fromPartial({
    metadata: { name, namespace: "shop" },
    spec: { driver: "overlay", subnet: `10.64.${third}.0/24`, ...spec },
    status: {
      slices: [1, 2].map((at) => ({ nodeName: `node-${at}`, cidr: `10.64.${third}.${(at - 1) * 64}/26` })),
    },
  });
}

/** One port of a test's service. */
export interface TestPort {
  readonly port: number;
  readonly targetPort?: number;
  readonly protocol?: string;
  readonly name?: string;
  readonly nodePort?: number;
}

/**
 * An endpoint by address, `+network=address` after it for each network that it is on; `!` before it: going but still serving, `-`: not ready. `address/hostname` names it, `address%zone` tells its zone.
 * Its node follows from its address, as in nodeConfig.
 */
export type TestEndpoint = string;

/** What the proxy of nodeConfig(4) is planned for. */
export const PROXY_SITE: ProxySite = {
  nodeName: "node-4",
  family: "IPv4",
  podCIDR: "10.128.4.0/24",
  clusterCIDR: "10.128.0.0/9",
};

/** A service and its one slice. */
export interface TestService {
  readonly name: string;
  readonly namespace?: string;
  readonly clusterIP?: string;
  readonly type?: string;
  readonly externalName?: string;
  readonly ports?: readonly TestPort[];
  readonly endpoints?: readonly TestEndpoint[];
  /** Further fields of the spec. */
  readonly spec?: NonNullable<Parameters<typeof Service.fromPartial>[0]["spec"]>;
  /** Its virtual addresses by network, one or one of each family. */
  readonly networkAddresses?: Readonly<Record<string, string | readonly string[]>>;
  /** Addresses that nodes announce for it. */
  readonly announced?: readonly string[];
  /** The node that does. */
  readonly announcedBy?: string;
  /** When it was created; absent: not known. */
  readonly createdAt?: string;
}

/** Address of the service that tests ask. */
export const VIP = "10.96.1.1";

/** A service of TCP and UDP port 80, node port 30080, whose endpoints answer on 8080. */
export function bothProtocols(endpoints: readonly TestEndpoint[], change: Partial<TestService> = {}): TestService {
  const to = { port: 80, targetPort: 8080, nodePort: 30_080 };
  const ports = [
    { name: "t", ...to },
    { name: "u", ...to, protocol: "UDP" },
  ];
  return { name: "web", clusterIP: VIP, ports, endpoints, ...change };
}

/** The service object. */
export function serviceObject(service: TestService): Service {
  return Service.fromPartial({
    metadata: {
      name: service.name,
      namespace: service.namespace ?? "default",
      creationTimestamp: service.createdAt ?? "",
    },
    spec: {
      clusterIP: service.clusterIP ?? "",
      type: service.type ?? "ClusterIP",
      externalName: service.externalName ?? "",
      ...service.spec,
      ports: (service.ports ?? []).map((port) => ({
        name: port.name ?? "",
        protocol: port.protocol ?? "TCP",
        port: port.port,
        nodePort: port.nodePort ?? 0,
      })),
    },
    status: {
      loadBalancer: { ingress: (service.announced ?? []).map((ip) => ({ ip })) },
      announcedBy: service.announcedBy ?? "",
      networkAddresses: Object.entries(service.networkAddresses ?? {}).flatMap(([network, addresses]) =>
        [addresses].flat().map((address) => ({ network, address })),
      ),
    },
  });
}

/** The slice of a service's endpoints of a family. */
export function sliceObject(service: TestService, family: Family = "IPv4"): EndpointSlice {
  return EndpointSlice.fromPartial({
    metadata: {
      name: `${service.name}-${SLICES[family]}`,
      namespace: service.namespace ?? "default",
      labels: { "kubernetes.io/service-name": service.name },
    },
    addressType: family,
    endpoints: endpointsOf(service, family).map((text) => {
      const [head = "", ...places] = text.replace(/^[-!]/, "").split("+");
      const networks = places.map((each) => ({
        name: each.split("=")[0] ?? "",
        address: each.split("=")[1] ?? "",
        bridge: each.startsWith("bridge"),
      }));
      const [place = "", zone = ""] = head.split("%");
      const [address = "", hostname = ""] = place.split("/");
      const ready = !text.startsWith("-") && !text.startsWith("!");
      const terminating = text.startsWith("!");
      const conditions = { ready, serving: ready || terminating, terminating };
      return { addresses: [address], hostname, conditions, nodeName: nodeOf(address), zone, networks };
    }),
    ports: (service.ports ?? []).map((port) => ({
      name: port.name ?? "",
      protocol: port.protocol ?? "TCP",
      port: port.targetPort ?? port.port,
    })),
  });
}

const SLICES = { IPv4: "a", IPv6: "b" } as const;

function endpointsOf({ endpoints = [] }: TestService, family: Family): readonly string[] {
  return endpoints.filter((text) => familyOf(text) === family);
}

/** 10.128.N.x, fd00:10:128:N::x and 192.168.9.N are of node-N. */
function nodeOf(address: string): string {
  const [, at] =
    /^10\.128\.(\d+)\.\d+$/.exec(address) ??
    /^fd00:10:128:(\d+)::/.exec(address) ??
    /^192\.168\.9\.(\d+)$/.exec(address) ??
    [];
  return at === undefined ? "" : `node-${at}`;
}

/** A network map of these nodes and services. */
export function networkMap(
  revision: number,
  nodes: readonly Node[],
  services: readonly TestService[],
  networks: readonly Network[] = [],
): NetworkMap {
  const keyed = services.map((service) => ({ service, key: `${service.namespace ?? "default"}/${service.name}` }));
  return {
    revision,
    nodes: new Map(nodes.map((node) => [node.metadata?.name ?? "", node])),
    services: new Map(keyed.map(({ service, key }) => [key, serviceObject(service)])),
    endpointSlices: new Map(
      keyed.flatMap(({ service, key }) =>
        (["IPv4", "IPv6"] as const)
          .filter((family) => family === "IPv4" || endpointsOf(service, family).length > 0)
          .map((family) => [`${key}-${SLICES[family]}`, sliceObject(service, family)] as const),
      ),
    ),
    ingresses: new Map(),
    networks: new Map(networks.map((each) => [`${each.metadata?.namespace}/${each.metadata?.name}`, each])),
    ingressClasses: new Map(),
  };
}
