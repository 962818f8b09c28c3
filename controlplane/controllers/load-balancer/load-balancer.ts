import { metaOf, type ObjectKey } from "../../../kinds/object.js";
import { conditionOf, isDeleting } from "../../../kinds/pod-state.js";
import { deepEqual } from "../../../lib/deep-equal.js";
import { limit } from "../../../lib/limits.js";
import { asWritten, type Family, familyOf } from "../../../net/family.js";
import type { Node } from "../../../proto/gen/tallship/v1/node.js";
import { type Service, type ServiceSpec, ServiceStatus } from "../../../proto/gen/tallship/v1/service.js";
import { ofKind } from "../../cache/of-kind.js";
import type { CacheChange, Cached, View } from "../../cache/view.js";
import type { Notice } from "../../events/notice.js";
import { withCondition, withoutCondition } from "../conditions.js";
import type { Controller, ObjectWrite, Outcome, ReconcileContext } from "../controller.js";
import { isTainted, NOT_READY, UNREACHABLE } from "../node/taints.js";
import { replace } from "../writes.js";
import { type AddressPool, parsePool } from "./address-pool.js";
import { type Applicant, type Burdens, type Share, shareOut } from "./share-out.js";

/** The ConfigMap that holds the pool of addresses, under the key `addresses`. */
const POOL = { kind: "ConfigMap", namespace: "kube-system", name: "load-balancer-pool" } as const;

/** As in Kubernetes: a node with this label announces nothing. */
const EXCLUDED = "node.kubernetes.io/exclude-from-external-load-balancers";

const CONDITION = "LoadBalancerAddress";

/** All services are one piece of work: no two may have one address, and announcers are spread over nodes. */
const everyService: ObjectKey = { kind: "Service", namespace: "", name: "" };

/** What nodes of control planes bear. */
const CONTROL_PLANE = "node-role.kubernetes.io/control-plane";

/**
 * Gives services of type LoadBalancer an address of the cluster's pool for each of their families, and names the node that answers for them on its link: one
 * that is ready and, for externalTrafficPolicy Local, has a ready endpoint. All stay where they are while they can. Hosts of control planes are taken last, and
 * of them the leader's, named here: a host that goes takes with it who would find that out, and the address would be away until there is another leader.
 */
export function loadBalancer(leaderName: string): Controller {
  return {
    name: "load-balancer",
    keysFor: (change, view) => (matters(change, view) ? [everyService] : []),
    reconcile: (_key, view, context) => reconcile(leaderName, view, context),
  };
}

function matters({ key, before, after }: CacheChange, view: View): boolean {
  switch (key.kind) {
    case "Service":
      return [before, after].some((each) => concerns(ofKind(each, "Service")?.object));
    case "Node":
      return isAble(ofKind(before, "Node")?.object) !== isAble(ofKind(after, "Node")?.object);
    case "ConfigMap":
      return key.namespace === POOL.namespace && key.name === POOL.name;
    case "EndpointSlice": {
      const labels = metaOf((after ?? before)?.object ?? {}).labels;
      const service = view.get("Service", key.namespace, labels["kubernetes.io/service-name"] ?? "");
      return service?.spec?.type === "LoadBalancer" && service.spec.externalTrafficPolicy === "Local";
    }
    default:
      return false;
  }
}

/** True for a service that has, or should have, an address of the pool. */
function concerns(service: Service | undefined): boolean {
  if (service === undefined) return false;
  return isBalanced(service) || (service.status?.announcedBy ?? "") !== "" || conditionIn(service) !== undefined;
}

function isBalanced({ spec }: Service): boolean {
  return spec?.type === "LoadBalancer" && spec.loadBalancerClass === "";
}

function conditionIn({ status }: Service) {
  return conditionOf(status?.conditions, CONDITION);
}

function isAble(node: Node | undefined): boolean {
  if (node === undefined || isDeleting(node) || EXCLUDED in metaOf(node).labels) return false;
  const isReady = conditionOf(node.status?.conditions, "Ready")?.status === "True";
  return isReady && !isTainted(node, UNREACHABLE) && !isTainted(node, NOT_READY);
}

function reconcile(leaderName: string, view: View, { nowMs }: ReconcileContext): Outcome {
  const all = view.list("Service");
  const services = all.filter(({ object }) => concerns(object));
  const balanced = services.filter(({ object }) => isBalanced(object) && !isDeleting(object));
  const nodes = view.list("Node").map(({ object }) => object);
  const able = new Set(nodes.filter(isAble).map((node) => metaOf(node).name));
  const reserved = new Set(nodes.flatMap(({ status }) => (status?.addresses ?? []).map(({ address }) => address)));
  const avoided = new Set(all.flatMap(({ object }) => (object.spec?.externalIPs ?? []).map(asWritten)));
  const applicants = oldestFirst(balanced).map(({ object }) => applicantOf(object, able, view));
  const pool = poolIn(view);
  const shares = tellingOfMalformed(
    shareOut(applicants, pool, { reserved, avoided }, burdensOf(nodes, leaderName)),
    pool,
  );
  const writes: ObjectWrite[] = [];
  const notices: Notice[] = [];
  for (const cached of services) {
    const share = isBalanced(cached.object) ? shares.get(nameOf(cached.object)) : undefined;
    const status = statusWith(cached.object, share, nowMs);
    if (status === cached.object.status) continue;
    if (writes.length >= limit("transactionObjects")) return { writes, notices, againMs: 0 };
    writes.push(replace(cached, { ...cached.object, status }));
    notices.push(...noticesOf(cached.object, share));
  }
  return { writes, notices };
}

function burdensOf(nodes: readonly Node[], leaderName: string): Burdens {
  const bearers = nodes.map(metaOf).filter(({ labels }) => CONTROL_PLANE in labels);
  return new Map(bearers.map(({ name }) => [name, name === leaderName ? 2 : 1]));
}

function poolIn(view: View): AddressPool {
  return parsePool(view.get("ConfigMap", POOL.namespace, POOL.name)?.data.addresses ?? "");
}

/** Who gets no address, or not of each family, is told what of the pool's text was not understood: his address may be in it. */
function tellingOfMalformed(
  shares: ReadonlyMap<string, Share>,
  { malformed }: AddressPool,
): ReadonlyMap<string, Share> {
  if (malformed.length === 0) return shares;
  const words = malformed.slice(0, MOST_WORDS).map((word) => JSON.stringify(word.slice(0, MOST_LETTERS)));
  const more = `; of the pool's text, ${words.join(", ")} is no address, network or first-last`;
  const told = (share: Share): Share => {
    if (share.is === "refused") return { ...share, message: `${share.message}${more}` };
    return share.lacking === "" ? share : { ...share, lacking: `${share.lacking}${more}` };
  };
  return new Map([...shares].map(([key, share]) => [key, told(share)]));
}

const MOST_WORDS = 3;
const MOST_LETTERS = 40;

function oldestFirst(services: readonly Cached<"Service">[]): readonly Cached<"Service">[] {
  const age = ({ object }: Cached<"Service">): string => metaOf(object).creationTimestamp;
  return [...services].sort((one, other) => (age(one) < age(other) ? -1 : age(one) > age(other) ? 1 : 0));
}

function nameOf(service: Service): string {
  const { namespace, name } = metaOf(service);
  return `${namespace}/${name}`;
}

function applicantOf(service: Service, able: ReadonlySet<string>, view: View): Applicant {
  const { spec, status } = service;
  return {
    key: nameOf(service),
    families: familiesOf(spec),
    wantsAll: spec?.ipFamilyPolicy === "RequireDualStack",
    asked: asWritten(spec?.loadBalancerIP ?? ""),
    addresses: (status?.loadBalancer?.ingress ?? []).map(({ ip }) => ip),
    announcer: status?.announcedBy ?? "",
    nodes: spec?.externalTrafficPolicy === "Local" ? withEndpoints(service, able, view) : able,
  };
}

function familiesOf(spec: ServiceSpec | undefined): readonly Family[] {
  if (spec === undefined || spec.ipFamilies.length === 0) return [familyOf(spec?.clusterIP ?? "")];
  return spec.ipFamilies.map((family) => (family === "IPv6" ? "IPv6" : "IPv4"));
}

/** The nodes that have a ready endpoint; all, when none has: then the address is refused from somewhere instead of from nowhere. */
function withEndpoints(service: Service, able: ReadonlySet<string>, view: View): ReadonlySet<string> {
  const { namespace, name } = metaOf(service);
  const slices = view.withLabels("EndpointSlice", namespace, { "kubernetes.io/service-name": name });
  const ready = slices.flatMap(({ object }) =>
    object.endpoints.filter(({ conditions }) => conditions?.ready !== false).map(({ nodeName }) => nodeName),
  );
  const near = new Set(ready.filter((node) => able.has(node)));
  return near.size > 0 ? near : able;
}

/** The very same status when nothing changes. */
function statusWith(service: Service, share: Share | undefined, nowMs: number): ServiceStatus | undefined {
  const before = service.status ?? ServiceStatus.fromPartial({});
  const addresses = share?.is === "given" ? share.addresses : [];
  const announcedBy = share?.is === "given" ? share.announcer : "";
  const conditions = conditionsWith(before, share, nowMs);
  const held = (before.loadBalancer?.ingress ?? []).map(({ ip }) => ip);
  const isSame = deepEqual(addresses, held) && announcedBy === before.announcedBy;
  if (isSame && conditions === before.conditions) return service.status;
  const ingress = addresses.map((ip) => ({ ip, hostname: "", ipMode: "VIP" }));
  return { ...before, conditions, announcedBy, loadBalancer: { ingress } };
}

function conditionsWith({ conditions }: ServiceStatus, share: Share | undefined, nowMs: number) {
  if (share === undefined) return withoutCondition(conditions, CONDITION);
  const claim =
    share.is === "refused"
      ? { status: "False" as const, reason: share.reason, message: share.message }
      : { status: "True" as const, reason: "AddressGiven", message: givenMessage(share) };
  return withCondition(conditions, { type: CONDITION, ...claim }, nowMs);
}

function givenMessage({ addresses, lacking }: Extract<Share, { is: "given" }>): string {
  return `${subject(addresses)} given to the service${lacking === "" ? "" : `; ${lacking}`}`;
}

/** What is done to these addresses follows. */
function subject(addresses: readonly string[]): string {
  return `${addresses.join(" and ")} ${addresses.length > 1 ? "are" : "is"}`;
}

function noticesOf(service: Service, share: Share | undefined): readonly Notice[] {
  if (share === undefined) return [];
  const { namespace, name } = metaOf(service);
  const about: ObjectKey = { kind: "Service", namespace, name };
  if (share.is === "refused")
    return [{ about, type: "Warning", reason: "AllocationFailed", message: `no address: ${share.message}` }];
  const { addresses, announcer } = share;
  if (announcer === "")
    return [
      { about, type: "Warning", reason: "NotAnnounced", message: `no node can answer for ${addresses.join(" and ")}` },
    ];
  const message = `${subject(addresses)} announced by node ${announcer}`;
  return [{ about, type: "Normal", reason: "NodeAssigned", message }];
}
