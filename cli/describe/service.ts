import { labelsText } from "../../kinds/selector-text.js";
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
  page.fact("IP", spec?.clusterIP ?? "");
  page.factIf("IP Families", spec?.ipFamilies.join(", "));
  page.factIf(
    "External IPs",
    [
      ...(spec?.externalIPs ?? []),
      ...(status?.loadBalancer?.ingress.map(({ ip, hostname }) => ip || hostname) ?? []),
    ].join(", "),
  );
  const rows = (spec?.ports ?? []).map((port) => [
    port.name || "<unset>",
    `${port.port}/${port.protocol || "TCP"}`,
    String(port.targetPort?.value?.value ?? port.port),
    port.nodePort === 0 ? "<none>" : String(port.nodePort),
    endpointsText(port, slices),
  ]);
  page.table("Ports", ["Name", "Port", "Target", "Node Port", "Endpoints"], rows);
  page.factIf("Session Affinity", spec?.sessionAffinity);
  page.factIf("Publishes Not Ready", spec?.publishNotReadyAddresses === true ? "True" : "");
  return withEvents(page, around);
}

function endpointsText(port: ServicePort, slices: readonly EndpointSlice[]): string {
  const addresses = slices.flatMap((slice) => {
    const number = slice.ports.find(({ name }) => name === port.name)?.port;
    if (number === undefined) return [];
    return slice.endpoints.flatMap(({ addresses: [first], conditions }) =>
      first === undefined || conditions?.ready === false ? [] : [`${first}:${number}`],
    );
  });
  if (addresses.length === 0) return "<none>";
  const rest = addresses.length - SHOWN;
  return rest > 0 ? `${addresses.slice(0, SHOWN).join(", ")} and ${rest} more` : addresses.join(", ");
}
