import type { Place } from "../load/node.js";
import { type ActiveService, noteField, objectOf, type ProjectContext, type ServiceContext } from "./context.js";
import { dnsName, isLabelName, PROJECT_LABEL, pathName, SERVICE_LABEL } from "./names.js";
import { publishedTargets } from "./network.js";
import { at, type Part, type Placed } from "./part.js";
import { usesOtherNetwork } from "./shared-pod.js";

/** Prefix of the labels that say which networks a pod is part of. */
const NETWORK_LABEL = "network.compose.tallship.dev";

/** A network as services use it. */
interface Network {
  /** Name in the files. */
  readonly key: string;
  /** The label of its pods. Made of the name that docker would give it, so that another project can join it as `external`. */
  readonly label: string;
  readonly isInternal: boolean;
  readonly place: Place;
}

/** The labels that make the service's pods part of its networks. */
export function networkLabels(context: ServiceContext): Readonly<Record<string, string>> {
  return Object.fromEntries(networksOf(context, context.service).map(({ label }) => [label, "true"]));
}

/**
 * Policies that keep networks apart as docker does: a pod is reached from its networks, and from anywhere at the ports it publishes. What is on
 * internal networks alone reaches nothing else.
 */
export function isolationObjects(context: ProjectContext): readonly Placed[] {
  const used = new Map<string, Network>();
  for (const service of context.services.values())
    for (const network of networksOf(context, service)) used.set(network.label, network);
  const all = [...used.values()];
  const open = all.filter(({ isInternal }) => !isInternal);
  return [
    ...all.map((network) => memberPolicy(context, network)),
    ...all.filter(({ isInternal }) => isInternal).map((network) => internalPolicy(context, network, open)),
  ];
}

/** What lets everybody in at the ports that a service publishes. */
export function accessObjects(context: ServiceContext): readonly Placed[] {
  const { service } = context;
  const own = dnsName(service.name);
  const podSelector = { matchLabels: { [PROJECT_LABEL]: context.name, [SERVICE_LABEL]: own } };
  const make = (name: string, place: Place, spec: { readonly [key: string]: Part }): Placed =>
    policy(context, { name, place, labels: { [SERVICE_LABEL]: own } }, { podSelector, ...spec });
  const mode = service.model.network_mode;
  if (mode?.value === "none") return [];
  const { ports } = service.model;
  const targets = publishedTargets(context);
  if (ports === undefined || targets.length === 0 || mode?.value === "host") return [];
  if (networksOf(context, service).every(({ isInternal }) => isInternal)) {
    noteField(context, "ports", ports.place, "accepted, not enforced: all its networks are internal");
    return [];
  }
  return [make(`${own}-published`, ports.place, { policyTypes: ["Ingress"], ingress: [{ ports: targets }] })];
}

function networksOf({ name, model }: ProjectContext, service: ActiveService): readonly Network[] {
  const mode = service.model.network_mode?.value;
  if (mode === "host" || mode === "none" || usesOtherNetwork(service.model)) return [];
  const named = [...(service.model.networks?.value ?? [["default", { place: service.place }]])];
  return named.map(([key, { place }]): Network => {
    const declared = model.networks?.value.get(key)?.value;
    const ofDocker = declared?.external === undefined ? `${name}_${key}` : (declared.external.value.name ?? key);
    return {
      ...{ key, place },
      label: labelOf(declared?.name?.value ?? ofDocker),
      isInternal: declared?.internal?.value === true,
    };
  });
}

function labelOf(name: string): string {
  const label = `${NETWORK_LABEL}/${name}`;
  return isLabelName(label) ? label : `${NETWORK_LABEL}/${pathName("network", name)}`;
}

/** Pods of the network let in those of the network, of other projects too: these have joined it by name. */
function memberPolicy(context: ProjectContext, { key, label, place }: Network): Placed {
  const spec = { podSelector: members(label), policyTypes: ["Ingress"], ingress: [{ from: [anywhere(label)] }] };
  return policy(context, { name: `network-${key}`, place }, spec);
}

/** Policies add up: one for each internal network, of the pods that are on no open one. */
function internalPolicy(context: ProjectContext, { key, label, place }: Network, open: readonly Network[]): Placed {
  const absent = open.map((other) => ({ key: other.label, operator: "DoesNotExist" }));
  const podSelector = { ...members(label), matchExpressions: absent.length === 0 ? undefined : absent };
  const spec = { podSelector, policyTypes: ["Egress"], egress: [{ to: [anywhere(label)] }] };
  return policy(context, { name: `network-${key}-internal`, place }, spec);
}

function members(label: string): { readonly [key: string]: Part } {
  return { matchLabels: { [label]: "true" } };
}

function anywhere(label: string): Part {
  return { namespaceSelector: {}, podSelector: members(label) };
}

function policy(
  context: ProjectContext,
  head: { readonly name: string; readonly place: Place; readonly labels?: Readonly<Record<string, string>> },
  spec: Part,
): Placed {
  const whole = { apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy", ...head };
  return objectOf(context, whole, { spec: at(head.place, spec) });
}
