import type { Ingress, IngressClass } from "../../proto/gen/tallship/v1/ingress.js";
import { type Column, NONE, orNone } from "./column.js";

/** Of many hosts, so many are shown. */
const HOSTS_SHOWN = 3;

/** Class, hosts, addresses and the ports that hosts imply. */
export const ingressColumns: readonly Column<Ingress>[] = [
  { name: "CLASS", cell: ({ spec }) => orNone(spec?.ingressClassName) },
  { name: "HOSTS", cell: hosts },
  { name: "ADDRESS", cell: addresses },
  { name: "PORTS", cell: ({ spec }) => ((spec?.tls.length ?? 0) > 0 ? "80, 443" : "80") },
];

/** What serves the class, and its parameters. */
export const ingressClassColumns: readonly Column<IngressClass>[] = [
  { name: "CONTROLLER", cell: ({ spec }) => orNone(spec?.controller) },
  { name: "PARAMETERS", cell: parameters },
];

function hosts({ spec }: Ingress): string {
  const all = (spec?.rules ?? []).map(({ host }) => host).filter((host) => host !== "");
  if (all.length === 0) return "*";
  const shown = all.slice(0, HOSTS_SHOWN).join(",");
  return all.length > HOSTS_SHOWN ? `${shown} + ${all.length - HOSTS_SHOWN} more...` : shown;
}

function addresses({ status }: Ingress): string {
  const all = status?.loadBalancer?.ingress.map(({ ip, hostname }) => ip || hostname) ?? [];
  return all.length === 0 ? NONE : all.join(",");
}

function parameters({ spec }: IngressClass): string {
  const reference = spec?.parameters;
  if (reference === undefined) return NONE;
  const kind = (reference.apiGroup ?? "") === "" ? reference.kind : `${reference.kind}.${reference.apiGroup}`;
  return `${kind}/${reference.name}`;
}
