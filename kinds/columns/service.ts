import type { Service } from "../../proto/gen/tallship/v1/service.js";
import { labelsText } from "../selector-text.js";
import { type Column, NONE, orNone } from "./column.js";

/** Type, addresses and ports. */
export const serviceColumns: readonly Column<Service>[] = [
  { name: "TYPE", cell: ({ spec }) => orNone(spec?.type) },
  { name: "CLUSTER-IP", cell: ({ spec }) => orNone(spec?.clusterIP) },
  { name: "EXTERNAL-IP", cell: externalAddress },
  { name: "PORT(S)", cell: ports },
  { name: "SELECTOR", isWide: true, cell: ({ spec }) => orNone(labelsText(spec?.selector ?? {})) },
];

function externalAddress({ spec, status }: Service): string {
  if (spec?.type === "ExternalName") return orNone(spec.externalName);
  const announced = status?.loadBalancer?.ingress.map(({ ip, hostname }) => ip || hostname) ?? [];
  const addresses = [...announced, ...(spec?.externalIPs ?? [])];
  if (addresses.length > 0) return addresses.join(",");
  return spec?.type === "LoadBalancer" ? "<pending>" : NONE;
}

function ports({ spec }: Service): string {
  const texts = (spec?.ports ?? []).map(({ port, nodePort, protocol }) =>
    nodePort === 0 ? `${port}/${protocol || "TCP"}` : `${port}:${nodePort}/${protocol || "TCP"}`,
  );
  return texts.length === 0 ? NONE : texts.join(",");
}
