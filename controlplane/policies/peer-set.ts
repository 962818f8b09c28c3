import { createHash } from "node:crypto";
import { type Labels, matchesSelector } from "../../kinds/label-selector.js";
import { addressesOfPod } from "../../kinds/network.js";
import { metaOf } from "../../kinds/object.js";
import { sidecarsOf } from "../../kinds/pod-containers.js";
import { isPodFinished } from "../../kinds/pod-state.js";
import type { LabelSelector } from "../../proto/gen/tallship/v1/meta.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";

/** What defines a set of places. Equal definitions are one set, whichever policies they stand in. */
export type SetDefinition =
  /** Addresses of pods, of one namespace or of those that a selector picks. */
  | {
      readonly is: "pods";
      readonly namespace: string | undefined;
      readonly namespaces: LabelSelector | undefined;
      readonly pods: LabelSelector;
    }
  /** The ports of that name, of pods of one namespace or, without one, of all. */
  | {
      readonly is: "ports";
      readonly namespace: string | undefined;
      readonly portName: string;
      readonly protocol: string;
    };

/** What policies know of a pod that is bound to a node and has a network of its own. */
export interface PolicyPod {
  readonly uid: string;
  readonly namespace: string;
  readonly node: string;
  readonly labels: Labels;
  /** Empty until the node has given it one. */
  readonly addresses: readonly string[];
  readonly ports: readonly NamedPort[];
}

/** A port of a pod that has a name. */
export interface NamedPort {
  readonly name: string;
  readonly protocol: string;
  readonly port: number;
}

/** The name of the set: a digest of its definition, the same on every leader. */
export function setName(definition: SetDefinition): string {
  const digest = createHash("sha256")
    .update(JSON.stringify(canonical(definition)))
    .digest("hex");
  return `${definition.is}-${digest.slice(0, 20)}`;
}

/**
 * The pod as policies see it; undefined for one that no policy is about: unbound, finished, or on its host's own network, where it is the
 * host to everybody else.
 */
export function policyPodOf(pod: Pod): PolicyPod | undefined {
  const { spec } = pod;
  const { uid, namespace, labels } = metaOf(pod);
  if (spec === undefined || spec.nodeName === "" || spec.hostNetwork || isPodFinished(pod)) return undefined;
  const containers = [...sidecarsOf(pod), ...spec.containers];
  const ports = containers.flatMap((container) =>
    container.ports.flatMap(({ name, protocol, containerPort }) =>
      name === "" ? [] : [{ name, protocol: protocol || "TCP", port: containerPort }],
    ),
  );
  return { uid, namespace, node: spec.nodeName, labels, addresses: addressesOfPod(pod), ports };
}

/** What the pod adds to the set; nothing while it has no address. `namespaceLabels` are those of its namespace. */
export function membersOf(
  definition: SetDefinition,
  pod: PolicyPod,
  namespaceLabels: Labels | undefined,
): readonly string[] {
  if (definition.namespace !== undefined && definition.namespace !== pod.namespace) return [];
  if (definition.is === "ports") {
    const { portName, protocol } = definition;
    const named = pod.ports.filter((port) => port.name === portName && port.protocol === protocol);
    return pod.addresses.flatMap((address) => named.map(({ port }) => `${address}/${protocol}/${port}`));
  }
  const { namespaces, pods } = definition;
  if (namespaces !== undefined && !matchesSelector(namespaces, namespaceLabels ?? {})) return [];
  return matchesSelector(pods, pod.labels) ? pod.addresses : [];
}

/** Objects as sorted lists, so that the order in which labels were written does not count. */
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== "object" || value === null) return value ?? null;
  return Object.entries(value)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([key, part]) => [key, canonical(part)]);
}
