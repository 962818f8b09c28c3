import type { MessageType } from "../lib/transport/service.js";
import { ConfigMap } from "../proto/gen/tallship/v1/configmap.js";
import { Deployment } from "../proto/gen/tallship/v1/deployment.js";
import { EndpointSlice } from "../proto/gen/tallship/v1/endpointslice.js";
import { Event } from "../proto/gen/tallship/v1/event.js";
import { Namespace } from "../proto/gen/tallship/v1/namespace.js";
import { Node } from "../proto/gen/tallship/v1/node.js";
import { Pod } from "../proto/gen/tallship/v1/pod.js";
import { ReplicaSet } from "../proto/gen/tallship/v1/replicaset.js";
import { Revision } from "../proto/gen/tallship/v1/revision.js";
import { Secret } from "../proto/gen/tallship/v1/secret.js";
import { Service } from "../proto/gen/tallship/v1/service.js";

/** The message type of each kind. */
export interface KindMap {
  Namespace: Namespace;
  Node: Node;
  Pod: Pod;
  ReplicaSet: ReplicaSet;
  Deployment: Deployment;
  Service: Service;
  EndpointSlice: EndpointSlice;
  ConfigMap: ConfigMap;
  Secret: Secret;
  Event: Event;
  Revision: Revision;
}

/** Name of a kind. */
export type KindName = keyof KindMap;

/** What the rest of the code knows of a kind by itself. Everything else is in the schema. */
export interface KindRow<K extends KindName = KindName> {
  readonly kind: K;
  /** API group; empty for core. */
  readonly group: string;
  /** API versions accepted, the one that is written first. */
  readonly versions: readonly string[];
  /** Name in lists and commands. */
  readonly plural: string;
  readonly shortNames: readonly string[];
  readonly isNamespaced: boolean;
  /** Encodes and decodes the kind's message, without the envelope of AnyObject. */
  readonly message: MessageType<KindMap[K]>;
  /** Makes a whole message of the parts given. */
  readonly create: (partial: Partial<KindMap[K]>) => KindMap[K];
}

/** Every kind there is. A new kind is one row here, one line in KindMap and one in object.proto. */
export const KINDS: { readonly [K in KindName]: KindRow<K> } = {
  Namespace: {
    kind: "Namespace",
    group: "",
    versions: ["v1"],
    plural: "namespaces",
    shortNames: ["ns"],
    isNamespaced: false,
    message: Namespace,
    create: Namespace.fromPartial,
  },
  Node: {
    kind: "Node",
    group: "",
    versions: ["v1"],
    plural: "nodes",
    shortNames: ["no"],
    isNamespaced: false,
    message: Node,
    create: Node.fromPartial,
  },
  Pod: {
    kind: "Pod",
    group: "",
    versions: ["v1"],
    plural: "pods",
    shortNames: ["po"],
    isNamespaced: true,
    message: Pod,
    create: Pod.fromPartial,
  },
  ReplicaSet: {
    kind: "ReplicaSet",
    group: "apps",
    versions: ["v1"],
    plural: "replicasets",
    shortNames: ["rs"],
    isNamespaced: true,
    message: ReplicaSet,
    create: ReplicaSet.fromPartial,
  },
  Deployment: {
    kind: "Deployment",
    group: "apps",
    versions: ["v1"],
    plural: "deployments",
    shortNames: ["deploy"],
    isNamespaced: true,
    message: Deployment,
    create: Deployment.fromPartial,
  },
  Service: {
    kind: "Service",
    group: "",
    versions: ["v1"],
    plural: "services",
    shortNames: ["svc"],
    isNamespaced: true,
    message: Service,
    create: Service.fromPartial,
  },
  EndpointSlice: {
    kind: "EndpointSlice",
    group: "discovery.k8s.io",
    versions: ["v1"],
    plural: "endpointslices",
    shortNames: [],
    isNamespaced: true,
    message: EndpointSlice,
    create: EndpointSlice.fromPartial,
  },
  ConfigMap: {
    kind: "ConfigMap",
    group: "",
    versions: ["v1"],
    plural: "configmaps",
    shortNames: ["cm"],
    isNamespaced: true,
    message: ConfigMap,
    create: ConfigMap.fromPartial,
  },
  Secret: {
    kind: "Secret",
    group: "",
    versions: ["v1"],
    plural: "secrets",
    shortNames: [],
    isNamespaced: true,
    message: Secret,
    create: Secret.fromPartial,
  },
  Event: {
    kind: "Event",
    group: "",
    versions: ["v1"],
    plural: "events",
    shortNames: ["ev"],
    isNamespaced: true,
    message: Event,
    create: Event.fromPartial,
  },
  Revision: {
    kind: "Revision",
    group: "tallship.dev",
    versions: ["v1"],
    plural: "revisions",
    shortNames: [],
    isNamespaced: true,
    message: Revision,
    create: Revision.fromPartial,
  },
};

/** True when there is a kind of that name. */
export function isKindName(text: string): text is KindName {
  return Object.hasOwn(KINDS, text);
}

/** The API version that objects of the kind are written with, such as "apps/v1". */
export function apiVersionOf(kind: KindName): string {
  const row = KINDS[kind];
  return row.group === "" ? `${row.versions[0]}` : `${row.group}/${row.versions[0]}`;
}
