import { labelsText } from "../../kinds/selector-text.js";
import { hostPort } from "../../lib/host-port.js";
import type { EndpointSlice } from "../../proto/gen/tallship/v1/endpointslice.js";
import type { Service, ServicePort } from "../../proto/gen/tallship/v1/service.js";
import { headOf, type Surroundings, withEvents } from "./facts.js";
import type { Page } from "./page.js";

/** Endpoints shown per port before the rest is counted. */
const SHOWN = 8;

/** A service: its addresses, ports and the endpoints that are ready behind each. */
export function describeService(service: Service, slices: readonly EndpointSlice[], around: Surroundings): Page {
  const { spec, status } = service;
  const page = headOf(service.metadata, around.nowMs);
  page.fact("Selector", labelsText(spec?.selector ?? {}));
  page.fact("Type", spec?.type ?? "");
  page.factIf("External Name", spec?.externalName);
  page.factIf("IP Family Policy", spec?.ipFamilyPolicy);
  page.factIf("IP Families", spec?.ipFamilies.join(","));
  page.fact("IP", spec?.clusterIP ?? "");
  page.factIf("IPs", spec?.clusterIPs.join(","));
  page.factIf("IP On Networks", onNetworks(service));
  page.factIf("External IPs", (spec?.externalIPs ?? []).join(", "));
  page.factIf(
    "LoadBalancer Ingress",
    (status?.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ip || hostname).join(", "),
  );
  page.factIf("Announced By", status?.announcedBy);
  page.factIf("LoadBalancer Source Ranges", (spec?.loadBalancerSourceRanges ?? []).join(", "));
  const rows = (spec?.ports ?? []).map((port) => [
    port.name || "<unset>",
    `${port.port}/${port.protocol || "TCP"}`,
    String(port.targetPort?.value?.value ?? port.port),
    port.nodePort === 0 ? "<none>" : String(port.nodePort),
    endpointsText(port, slices),
  ]);
  page.table("Ports", ["Name", "Port", "Target", "Node Port", "Endpoints"], rows);
  page.factIf("Session Affinity", spec?.sessionAffinity);
  page.factIf("Session Affinity Timeout", affinityTimeout(service));
  page.factIf("External Traffic Policy", spec?.externalTrafficPolicy);
  const health = spec?.healthCheckNodePort ?? 0;
  page.factIf("HealthCheck NodePort", health === 0 ? "" : String(health));
  page.factIf("Internal Traffic Policy", spec?.internalTrafficPolicy);
  page.factIf("Traffic Distribution", spec?.trafficDistribution);
  for (const { status: is, reason, message } of status?.conditions ?? [])
    if (is === "False") page.fact(reason, message);
  page.factIf("Publishes Not Ready", spec?.publishNotReadyAddresses === true ? "True" : "");
  return withEvents(page, around);
}

/** By network its addresses there, of each family one. */
function onNetworks({ status }: Service): string {
  const found = new Map<string, string[]>();
  for (const { network, address } of status?.networkAddresses ?? [])
    found.set(network, [...(found.get(network) ?? []), address]);
  return [...found].map(([network, addresses]) => `${network}=${addresses.join(",")}`).join(", ");
}

function affinityTimeout({ spec }: Service): string {
  const seconds = spec?.sessionAffinityConfig?.clientIP?.timeoutSeconds;
  return spec?.sessionAffinity === "ClientIP" && seconds !== undefined ? `${seconds}s` : "";
}

/** The endpoints that are ready behind a port, the first few by address. */
export function endpointsText(port: ServicePort, slices: readonly EndpointSlice[]): string {
  const addresses = slices.flatMap((slice) => {
    const number = slice.ports.find(({ name }) => name === port.name)?.port;
    if (number === undefined) return [];
    return slice.endpoints.flatMap(({ addresses: [first], conditions }) =>
      first === undefined || conditions?.ready === false ? [] : [hostPort(first, number)],
    );
  });
  if (addresses.length === 0) return "<none>";
  const rest = addresses.length - SHOWN;
  return rest > 0 ? `${addresses.slice(0, SHOWN).join(", ")} and ${rest} more` : addresses.join(", ");
}
