import { hostPort } from "../../lib/host-port.js";
import type { Service } from "../../proto/gen/tallship/v1/service.js";

/**
 * The variables by which containers find services, as Docker's links once named them and Kubernetes still does: NAME_SERVICE_HOST,
 * NAME_SERVICE_PORT, NAME_PORT and one set per port. Services without an address have none.
 */
export function serviceVariables(services: readonly Service[]): ReadonlyMap<string, string> {
  const sorted = [...services].sort((a, b) => ((a.metadata?.name ?? "") < (b.metadata?.name ?? "") ? -1 : 1));
  return new Map(sorted.flatMap(variablesOf));
}

function variablesOf({ metadata, spec }: Service): readonly (readonly [string, string])[] {
  const host = spec?.clusterIP ?? "";
  const [first] = spec?.ports ?? [];
  if (host === "" || host === "None" || first === undefined) return [];
  const prefix = variableName(metadata?.name ?? "");
  const named = (spec?.ports ?? []).filter(({ name }) => name !== "");
  return [
    [`${prefix}_SERVICE_HOST`, host],
    [`${prefix}_SERVICE_PORT`, `${first.port}`],
    ...named.map(({ name, port }) => [`${prefix}_SERVICE_PORT_${variableName(name)}`, `${port}`] as const),
    [`${prefix}_PORT`, urlOf(first.protocol, host, first.port)],
    ...(spec?.ports ?? []).flatMap(({ protocol, port }) => linkOf(prefix, { protocol: protocol || "TCP", host, port })),
  ];
}

function linkOf(
  prefix: string,
  { protocol, host, port }: { readonly protocol: string; readonly host: string; readonly port: number },
): readonly (readonly [string, string])[] {
  const link = `${prefix}_PORT_${port}_${protocol.toUpperCase()}`;
  return [
    [link, urlOf(protocol, host, port)],
    [`${link}_PROTO`, protocol.toLowerCase()],
    [`${link}_PORT`, `${port}`],
    [`${link}_ADDR`, host],
  ];
}

function urlOf(protocol: string, host: string, port: number): string {
  return `${(protocol || "TCP").toLowerCase()}://${hostPort(host, port)}`;
}

function variableName(name: string): string {
  return name.toUpperCase().replaceAll("-", "_");
}
