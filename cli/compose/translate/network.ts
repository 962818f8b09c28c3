import { ANY_NODE_PORT } from "../../../kinds/node-ports.js";
import type { PublishedPort } from "../model/ports.js";
import { parseRange, protocolOf } from "../model/ports.js";
import type { Located } from "../model/reader.js";
import { noteField, objectOf, type ProjectContext, type ServiceContext } from "./context.js";
import { nameFamilies } from "./joined.js";
import { dnsName, PROJECT_LABEL, SERVICE_LABEL } from "./names.js";
import { at, type Part, type Placed } from "./part.js";
import { usesOtherNetwork } from "./shared-pod.js";

/** Label of the pods that a name shared by several services leads to. */
const ALIAS_LABEL = "alias.compose.tallship.dev";

/** Lets a service take a port of every node outside the cluster's range, as published ports are. */
const PUBLISHED = { [ANY_NODE_PORT]: "true" };

/** Ports of the container; a port published in mode host, or on one address, is one of the node that runs it. */
export function containerPorts(context: ServiceContext): readonly Part[] {
  const published = portsOf(context);
  const exposed = (context.service.model.expose?.value ?? []).flatMap(({ value, place }) =>
    exposedPorts(value, { context, place }),
  );
  const all = new Map<string, Part>();
  for (const { value, place } of [...exposed, ...published]) {
    const isOnHost = isOnNode(value);
    const key = `${value.target}/${value.protocol}/${isOnHost ? value.published : ""}`;
    const host = isOnHost ? { hostPort: value.published, hostIP: value.hostIP || undefined } : {};
    if (!isOnHost && [...all.keys()].some((known) => known.startsWith(`${value.target}/${value.protocol}/`))) continue;
    all.set(key, at(place, { containerPort: value.target, protocol: value.protocol, ...host }));
  }
  return [...all.values()];
}

function portsOf(context: ServiceContext): readonly Located<PublishedPort>[] {
  return (context.service.model.ports?.value ?? []).flatMap(({ value, place }) =>
    value.map((port) => ({ value: port, place })),
  );
}

/** The container's ports that are published, as a policy names them. */
export function publishedTargets(context: ServiceContext): readonly Part[] {
  const found = new Map<string, Part>();
  for (const { value, place } of portsOf(context)) {
    const { target: port, protocol } = value;
    found.set(`${port}/${protocol}`, at(place, { port, protocol }));
  }
  return [...found.values()];
}

function exposedPorts(
  text: string,
  { context, place }: { readonly context: ServiceContext; readonly place: Located<unknown>["place"] },
): readonly Located<PublishedPort>[] {
  const [ports = "", name = "tcp"] = text.split("/");
  const [range, protocol] = [parseRange(ports), protocolOf(name)];
  if (range === undefined || protocol === undefined) {
    context.tell.problem(
      place,
      [...context.path, "expose"],
      `want a port such as 8080 or 53/udp, found ${JSON.stringify(text)}`,
    );
    return [];
  }
  return range.map((target) => ({
    value: { name: "", target, published: undefined, protocol, hostIP: "", mode: "ingress", appProtocol: "" },
    place,
  }));
}

function isOnNode({ mode, hostIP, published }: PublishedPort): boolean {
  return published !== undefined && (mode === "host" || (hostIP !== "" && hostIP !== "0.0.0.0" && hostIP !== "::"));
}

/** The names by which other services reach this one, and the ports it has on every node. */
export function serviceObjects(context: ServiceContext): readonly Placed[] {
  const { service } = context;
  const own = dnsName(service.name);
  if (own !== service.name)
    context.tell.note(
      service.place,
      context.path,
      `other services reach it as ${own}: a name in DNS has no other characters`,
    );
  const selector = { [PROJECT_LABEL]: context.name, [SERVICE_LABEL]: own };
  const labels = { [SERVICE_LABEL]: own };
  const head = { kind: "Service", name: service.name, place: service.place, labels };
  return [objectOf(context, head, { spec: namedSpec(context, selector) }), ...publishedObject(context, selector)];
}

/** Without an address of its own a name leads to the containers themselves, on any port, as docker's does. */
function namedSpec(context: ServiceContext, selector: Part): Part {
  const { deploy, ports, expose } = context.service.model;
  const mode = deploy?.value.endpoint_mode;
  const targets = mode?.value === "vip" ? containerPorts(context) : [];
  if (targets.length === 0) {
    if (mode?.value === "vip" && ports === undefined && expose === undefined)
      noteField(
        context,
        "deploy",
        mode.place,
        "an address of its own needs ports or expose; the name leads to the containers",
      );
    return { clusterIP: "None", ...nameFamilies(context), selector };
  }
  const used = new Map<string, Part>();
  for (const { value, place } of portsOf(context)) addPort(used, value, place, value.target);
  for (const { value, place } of expose?.value ?? [])
    for (const port of exposedPorts(value, { context, place }))
      addPort(used, port.value, port.place, port.value.target);
  return { ...nameFamilies(context), selector, ports: [...used.values()] };
}

function addPort(
  used: Map<string, Part>,
  port: PublishedPort,
  place: Located<unknown>["place"],
  number: number,
  nodePort?: number,
): void {
  const name = port.name === "" ? `${port.protocol.toLowerCase()}-${number}` : dnsName(port.name);
  const part = {
    name,
    port: number,
    targetPort: port.target,
    protocol: port.protocol,
    appProtocol: port.appProtocol || undefined,
    nodePort,
  };
  used.set(`${number}/${port.protocol}`, at(place, part));
}

function publishedObject(context: ServiceContext, selector: Part): readonly Placed[] {
  const { service } = context;
  const used = new Map<string, Part>();
  for (const { value, place } of portsOf(context)) {
    if (isOnNode(value)) {
      const where = value.hostIP === "" ? "" : ` on ${value.hostIP}`;
      if (value.mode !== "host")
        noteField(context, "ports", place, `port ${value.published}${where} is that of the node the container runs on`);
    } else addPort(used, value, place, value.published ?? value.target, value.published);
  }
  if (used.size === 0) return [];
  const place = service.model.ports?.place ?? service.place;
  const head = {
    kind: "Service",
    name: `${dnsName(service.name)}-published`,
    place,
    labels: { [SERVICE_LABEL]: dnsName(service.name) },
    annotations: PUBLISHED,
  };
  // As docker publishes: by both families, where there are both.
  const spec = { type: "NodePort", ipFamilyPolicy: "PreferDualStack", selector, ports: [...used.values()] };
  return [objectOf(context, head, { spec })];
}

/** Names beside the service's own: aliases on networks, the container's name, and what others link to it as. */
function aliasesOf(
  { name, model }: { readonly name: string; readonly model: ServiceContext["service"]["model"] },
  context: ProjectContext,
): ReadonlyMap<string, Located<unknown>["place"]> {
  const found = new Map<string, Located<unknown>["place"]>();
  for (const { value } of model.networks?.value.values() ?? [])
    for (const alias of value.aliases?.value ?? []) found.set(dnsName(alias.value), alias.place);
  if (model.container_name !== undefined) found.set(dnsName(model.container_name.value), model.container_name.place);
  for (const other of context.services.values())
    for (const { value, place } of other.model.links?.value ?? []) {
      const [linked, alias] = value.split(":");
      if (linked === name && alias !== undefined) found.set(dnsName(alias), place);
    }
  return found;
}

/** Labels that put the service's pods behind its aliases. */
export function aliasLabels(context: ServiceContext): Readonly<Record<string, string>> {
  const names = [...aliasesOf(context.service, context).keys()].filter(
    (alias) => alias !== dnsName(context.service.name),
  );
  return Object.fromEntries(names.map((alias) => [`${ALIAS_LABEL}/${alias}`, "true"]));
}

/** True for the labels that aliasLabels makes. */
export function isAliasLabel(label: string): boolean {
  return label.startsWith(`${ALIAS_LABEL}/`);
}

/** A name for each alias in the project; several services may share one. */
export function aliasObjects(context: ProjectContext): readonly Placed[] {
  const taken = new Set([...context.services.keys()].map(dnsName));
  const found = new Map<string, Located<unknown>["place"]>();
  // As docker has it, nothing leads to the names of what uses another one's network.
  for (const service of [...context.services.values()].filter(({ model }) => !usesOtherNetwork(model)))
    for (const [alias, place] of aliasesOf(service, context)) if (!found.has(alias)) found.set(alias, place);
  return [...found].flatMap(([alias, place]) => {
    if (taken.has(alias)) return [];
    const selector = { [PROJECT_LABEL]: context.name, [`${ALIAS_LABEL}/${alias}`]: "true" };
    const spec = { clusterIP: "None", ...nameFamilies(context), selector };
    return [objectOf(context, { kind: "Service", name: alias, place }, { spec })];
  });
}
