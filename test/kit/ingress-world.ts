import { EndpointSlice } from "../../proto/gen/tallship/v1/endpointslice.js";
import { Ingress } from "../../proto/gen/tallship/v1/ingress.js";
import { Service } from "../../proto/gen/tallship/v1/service.js";

/** An ingress in short: a path's service is "name:port", its type Prefix unless "=" (Exact) or "~" (ImplementationSpecific) stands before it. */
export interface TestIngress {
  readonly name?: string;
  readonly createdAt?: string;
  readonly className?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  /** Paths and services by host; "" takes every host. */
  readonly rules?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly defaultBackend?: string;
  /** Hosts by Secret. */
  readonly tls?: Readonly<Record<string, readonly string[]>>;
}

const PATH_TYPES: Readonly<Record<string, string>> = { "=": "Exact", "~": "ImplementationSpecific" };

/** The ingress, in namespace shop. */
export function ingressOf(test: TestIngress): Ingress {
  return Ingress.fromPartial({
    metadata: {
      name: test.name ?? "web",
      namespace: "shop",
      creationTimestamp: test.createdAt ?? "2026-01-01T00:00:00Z",
      annotations: { ...test.annotations },
    },
    spec: {
      ingressClassName: test.className,
      defaultBackend: test.defaultBackend === undefined ? undefined : backendOf(test.defaultBackend),
      rules: Object.entries(test.rules ?? {}).map(([host, paths]) => ({
        host,
        http: {
          paths: Object.entries(paths).map(([text, service]) => {
            const type = PATH_TYPES[text[0] ?? ""];
            const path = type === undefined ? text : text.slice(1);
            return { path, pathType: type ?? "Prefix", backend: backendOf(service) };
          }),
        },
      })),
      tls: Object.entries(test.tls ?? {}).map(([secretName, hosts]) => ({ secretName, hosts: [...hosts] })),
    },
  });
}

function backendOf(text: string) {
  const [name = "", port = ""] = text.split(":");
  return { service: { name, port: /^\d+$/.test(port) ? { number: Number(port) } : { name: port } } };
}

/** A service of namespace shop with one port, 80. */
export function shopService(name: string): Service {
  return Service.fromPartial({
    metadata: { name, namespace: "shop" },
    spec: { type: "ClusterIP", clusterIP: "10.96.0.9", ports: [{ name: "web", port: 80, protocol: "TCP" }] },
  });
}

/** Its endpoints, "address:port" each; all of one port. */
export function shopSlice(name: string, endpoints: readonly string[]): EndpointSlice {
  return EndpointSlice.fromPartial({
    metadata: { name: `${name}-a`, namespace: "shop", labels: { "kubernetes.io/service-name": name } },
    addressType: "IPv4",
    endpoints: endpoints.map((text) => ({ addresses: [text.split(":")[0] ?? ""], conditions: { ready: true } })),
    ports: [{ name: "web", protocol: "TCP", port: Number(endpoints[0]?.split(":")[1] ?? 80) }],
  });
}
