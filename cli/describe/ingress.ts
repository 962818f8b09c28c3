import { INGRESS_CONDITION, secretsOfIngress } from "../../kinds/ingress.js";
import { metaOf } from "../../kinds/object.js";
import { conditionOf } from "../../kinds/pod-state.js";
import type { EndpointSlice } from "../../proto/gen/tallship/v1/endpointslice.js";
import type { Ingress, IngressBackend } from "../../proto/gen/tallship/v1/ingress.js";
import type { Node } from "../../proto/gen/tallship/v1/node.js";
import type { Service } from "../../proto/gen/tallship/v1/service.js";
import { headOf, oneLine, type Surroundings, withEvents } from "./facts.js";
import type { Page } from "./page.js";
import { endpointsText } from "./service.js";

/** What stands behind ingresses of a namespace. */
export interface Backends {
  readonly services: readonly Service[];
  readonly slices: readonly EndpointSlice[];
  /** Nodes, which say what of ingresses has no effect; none when the user may not see them. */
  readonly nodes: readonly Node[];
}

/** An ingress: its hosts and paths, and the endpoints that are ready behind each. */
export function describeIngress(ingress: Ingress, backends: Backends, around: Surroundings): Page {
  const { metadata, spec, status } = ingress;
  const page = headOf(metadata, around.nowMs);
  const addresses = (status?.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ip || hostname);
  page.fact("Address", addresses.join(","));
  page.fact("Ingress Class", spec?.ingressClassName ?? "");
  page.fact("Default backend", spec?.defaultBackend ? backendText(spec.defaultBackend, backends) : "<default>");
  const secured = (spec?.tls ?? []).map(
    ({ secretName, hosts }) => `${secretName || "SNI routes"} ${secretName ? "terminates " : ""}${hosts.join(",")}`,
  );
  if (secured.length > 0) page.fact("TLS", secured);
  const rows = (spec?.rules ?? []).flatMap(({ host, http }) => [
    [host || "*", "", ""],
    ...(http?.paths ?? []).map(({ path, backend }) => ["", path || "/", backend ? backendText(backend, backends) : ""]),
  ]);
  if (rows.length === 0 && spec?.defaultBackend !== undefined)
    rows.push(["*", "*", backendText(spec.defaultBackend, backends)]);
  page.table("Rules", ["Host", "Path", "Backends"], rows);
  const problems = problemsOf(ingress, backends.nodes);
  if (problems.length > 0) page.fact("Problems", problems);
  return withEvents(page, around);
}

/** What nodes say of the ingress that has no effect, each once, and which of them do not serve it. */
function problemsOf(ingress: Ingress, nodes: readonly Node[]): readonly string[] {
  const { namespace, name } = metaOf(ingress);
  const prefixes = [`ingress ${namespace}/${name}: `];
  for (const secret of secretsOfIngress(ingress)) prefixes.push(`secret ${namespace}/${secret}: `);
  const told = nodes.flatMap((node) => {
    const condition = conditionOf(node.status?.conditions, INGRESS_CONDITION);
    if (condition?.reason === "ProxyFailed")
      return [`node ${metaOf(node).name} does not serve it: ${oneLine(condition.message)}`];
    const about = (condition?.message ?? "").split("; ");
    return about.filter((text) => prefixes.some((prefix) => text.startsWith(prefix)));
  });
  return [...new Set(told.map((text) => text.replace(`ingress ${namespace}/${name}: `, "")))];
}

function backendText({ service, resource }: IngressBackend, { services, slices }: Backends): string {
  if (service === undefined)
    return `APIGroup: ${resource?.apiGroup ?? ""}, Kind: ${resource?.kind}, Name: ${resource?.name}`;
  const { name, port } = service;
  const text = `${name}:${port?.name || port?.number || ""}`;
  const found = services.find(({ metadata }) => metadata?.name === name);
  if (found === undefined) return `${text} (<error: services "${name}" not found>)`;
  if (found.spec?.type === "ExternalName") return `${text} (<error: a service of type ExternalName takes no requests>)`;
  const wanted = found.spec?.ports.find((each) => (port?.name ? each.name === port.name : each.port === port?.number));
  if (wanted === undefined) return `${text} (<error: the service has no such port>)`;
  const own = slices.filter(({ metadata }) => metadata?.labels["kubernetes.io/service-name"] === name);
  return `${text} (${endpointsText(wanted, own)})`;
}
