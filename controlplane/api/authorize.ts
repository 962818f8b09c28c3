import { isIngressNode, isServedHere, secretsOfIngress } from "../../kinds/ingress.js";
import { keyText, type ObjectKey, type Typed } from "../../kinds/object.js";
import type { KindName } from "../../kinds/registry.js";
import { claimsOfPod, isMadeLocal, nodeOfVolume } from "../../kinds/storage.js";
import { TallshipError } from "../../lib/errors.js";
import type { Identity } from "../../lib/transport/service.js";
import type { View } from "../cache/view.js";
import { namedByPod } from "./named-by-pod.js";

// The one place that says who may do what. Two tables: which calls a role may make at all, and what a node may do with objects of each
// kind. Everything is refused that is not in them. The identity is the certificate's; nothing in a request can widen it.

type Role = Identity["role"];

/** Every service that is served with client certificates, its methods, and the roles that may call each. */
const CALLS: Readonly<Record<string, Readonly<Record<string, readonly Role[]>>>> = {
  Objects: {
    Apply: ["admin", "control-plane"],
    Create: ["admin", "control-plane"],
    Get: ["admin", "control-plane", "node"],
    List: ["admin", "control-plane", "node"],
    Update: ["admin", "control-plane"],
    UpdateStatus: ["admin", "control-plane", "node"],
    Delete: ["admin", "control-plane", "node"],
    Evict: ["admin", "control-plane"],
    Undo: ["admin", "control-plane"],
    Watch: ["admin", "control-plane", "node"],
  },
  Cluster: {
    Info: ["admin", "control-plane", "node", "metrics"],
    CreateToken: ["admin", "control-plane"],
    ListTokens: ["admin", "control-plane"],
    RevokeToken: ["admin", "control-plane"],
  },
  Explain: {
    Why: ["admin", "control-plane"],
    Plan: ["admin", "control-plane"],
    Top: ["admin", "control-plane"],
    NetCheck: ["admin", "control-plane"],
    When: ["admin", "control-plane"],
    WhenSet: ["admin", "control-plane"],
    Rebalance: ["admin", "control-plane"],
    Trace: ["admin", "control-plane"],
  },
  Streams: {
    Logs: ["admin", "control-plane"],
    Exec: ["admin", "control-plane"],
    Attach: ["admin", "control-plane"],
    Forward: ["admin", "control-plane"],
    Copy: ["admin", "control-plane"],
    Signal: ["admin", "control-plane"],
    Stats: ["admin", "control-plane"],
    Changes: ["admin", "control-plane"],
  },
  Images: {
    Load: ["admin", "control-plane"],
    Build: ["admin", "control-plane"],
    Save: ["admin", "control-plane"],
    List: ["admin", "control-plane"],
    Inspect: ["admin", "control-plane"],
    Remove: ["admin", "control-plane"],
    Prune: ["admin", "control-plane"],
    Pull: ["admin", "control-plane"],
    Push: ["admin", "control-plane"],
    Search: ["admin", "control-plane"],
    Commit: ["admin", "control-plane"],
  },
  Nodes: { Session: ["node"], RenewCertificate: ["node", "control-plane"], Carry: ["node"] },
  Replicas: {
    RequestStream: ["control-plane"],
    FindHolders: ["control-plane"],
    Usage: ["control-plane"],
    Network: ["control-plane"],
  },
  Join: { Join: ["anonymous", "admin", "control-plane", "node", "metrics"] },
};

/** What can be done with an object through the Objects service. */
export type Verb = "get" | "list" | "watch" | "write" | "updateStatus" | "delete";

/** Which objects a right covers: all, the pods bound to the caller and the volumes made on it, or what such pods name. */
type Reach = "all" | "own" | "named";

/** What a node may do, by kind and verb: its own pods, the configs, secrets and claims that they name, its volumes, and the network map. */
const NODE_RIGHTS: { readonly [K in KindName]?: { readonly [V in Verb]?: Reach } } = {
  Pod: { get: "own", list: "own", watch: "own", updateStatus: "own", delete: "own" },
  ConfigMap: { get: "named" },
  Secret: { get: "named" },
  PersistentVolumeClaim: { get: "named" },
  PersistentVolume: { get: "named", list: "own", watch: "own", updateStatus: "own" },
  Node: { get: "all", list: "all", watch: "all" },
  Service: { get: "all", list: "all", watch: "all" },
  EndpointSlice: { get: "all", list: "all", watch: "all" },
  Network: { get: "all", list: "all", watch: "all" },
  Image: { get: "all", list: "all", watch: "all" },
  Ingress: { get: "all", list: "all", watch: "all" },
  IngressClass: { get: "all", list: "all", watch: "all" },
};

/** Refuses a call that the role may not make. For `bind`: the service's name, then the binding's identity and method. */
export function authorizeCalls(service: string): (identity: Identity, method: string) => TallshipError | undefined {
  return (identity, method) => {
    const roles = CALLS[service]?.[method];
    if (roles?.includes(identity.role)) return undefined;
    if (identity.role === "anonymous")
      return new TallshipError("unauthenticated", `${service}.${method}: needs a client certificate`);
    return new TallshipError("forbidden", `${service}.${method}: role ${identity.role} may not call it`);
  };
}

/** How much of a kind the caller may reach; throws forbidden when nothing. */
export function reachOf(identity: Identity, verb: Verb, kind: KindName): Reach {
  if (identity.role === "admin" || identity.role === "control-plane") return "all";
  const reach = identity.role === "node" ? NODE_RIGHTS[kind]?.[verb] : undefined;
  if (reach !== undefined) return reach;
  throw new TallshipError("forbidden", `${verb} ${kind}: ${identity.role} ${identity.name} may not`);
}

/** The only node whose pods the caller may see in a list or watch; undefined when it may see all objects of the kind. */
export function onlyNodeOf(identity: Identity, verb: "list" | "watch", kind: KindName): string | undefined {
  const reach = reachOf(identity, verb, kind);
  return reach === "all" ? undefined : nodeName(identity);
}

/**
 * Refuses an object that is beyond the caller's reach; `typed` is undefined when there is none. A pod of another node is not found, as one
 * that does not exist is, and a config is judged by its name alone: nobody learns what exists by asking.
 */
export function authorizeObject(
  caller: { readonly identity: Identity; readonly verb: Verb },
  key: ObjectKey,
  typed: Typed | undefined,
  view: View,
): TallshipError | undefined {
  const reach = reachOf(caller.identity, caller.verb, key.kind);
  if (reach === "all") return undefined;
  const node = nodeName(caller.identity);
  const operation = `${caller.verb} ${keyText(key)}`;
  if (reach === "own")
    return isOwnOf(typed, node) ? undefined : new TallshipError("not_found", `${operation}: not on node ${node}`);
  if (isNamedOn(key, node, view) || (key.kind === "Secret" && isShownOn(key, node, view))) return undefined;
  return new TallshipError("forbidden", `${operation}: no pod on node ${node} names it`);
}

/** A nameless identity would match pods that are not bound to any node. */
function nodeName({ name, role }: Identity): string {
  if (name === "") throw new TallshipError("forbidden", `a ${role} certificate without a name`);
  return name;
}

function isOwnOf(typed: Typed | undefined, node: string): boolean {
  if (typed?.kind === "PersistentVolume") return isMadeLocal(typed.object) && nodeOfVolume(typed.object) === node;
  return typed?.kind === "Pod" && typed.object.spec?.nodeName === node;
}

function isNamedOn(key: ObjectKey, node: string, view: View): boolean {
  return view.podsOnNode(node).some(({ object }) => {
    if (key.kind === "PersistentVolume")
      return claimsOfPod(object).some((name) => {
        const claim = view.get("PersistentVolumeClaim", object.metadata?.namespace ?? "", name);
        return claim?.spec?.volumeName === key.name;
      });
    if (object.metadata?.namespace !== key.namespace) return false;
    if (key.kind === "PersistentVolumeClaim") return claimsOfPod(object).includes(key.name);
    return namedByPod(object, key.kind === "ConfigMap" ? "ConfigMap" : "Secret").has(key.name);
  });
}

/** True for the certificate of an ingress that the node serves. */
function isShownOn({ namespace, name }: ObjectKey, node: string, view: View): boolean {
  const naming = view.list("Ingress", namespace).filter(({ object }) => secretsOfIngress(object).includes(name));
  if (naming.length === 0) return false;
  const classes = view.list("IngressClass").map(({ object }) => object);
  const nodes = view.list("Node").map(({ object }) => object);
  return isIngressNode(node, nodes) && naming.some(({ object }) => isServedHere(object, classes));
}
