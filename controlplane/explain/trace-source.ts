import { DEFAULT_NETWORK } from "../../kinds/network.js";
import { familyOf } from "../../net/family.js";
import { gatewayOf } from "../../net/ipv4.js";
import { ipv6GatewayOf } from "../../net/ipv6.js";
import { placesOf } from "../../net/proxy/endpoint-choice.js";
import type { Endpoint } from "../../proto/gen/tallship/v1/endpointslice.js";
import type { Node } from "../../proto/gen/tallship/v1/node.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import type { View } from "../cache/view.js";

/** Whose packets are traced. */
export interface TracedClient {
  /** Undefined: a host. */
  readonly pod: Pod | undefined;
  readonly node: string;
  readonly address: string;
}

/** Where they are led to. */
export interface TracedWay {
  readonly endpoint: Endpoint;
  /** The endpoint's address that is led to. */
  readonly ip: string;
  /** Whether strangers may be led this way. */
  readonly isOpen: boolean;
}

/** Under which addresses an endpoint sees its clients. */
export interface SeenClients {
  /** The traced client's address as the endpoint sees it; empty: not known. */
  readonly seenAs: string;
  /** Why that is not the client's own; empty: it is. */
  readonly hiddenWhy: string;
  /** Why clients from outside are not seen under their own addresses; empty: they are, or none are led this way. */
  readonly outsideHiddenWhy: string;
}

/**
 * Under which addresses an endpoint sees those who are led to it by a node, as the rules of both nodes have it (net/README.md, "Whom an endpoint sees"). Pure.
 */
export function seenClients(view: View, client: TracedClient, way: TracedWay): SeenClients {
  return { ...seenClient(view, client, way), outsideHiddenWhy: way.isOpen ? strangerHidden(view, client, way) : "" };
}

function seenClient(
  view: View,
  client: TracedClient,
  { endpoint, ip }: TracedWay,
): Omit<SeenClients, "outsideHiddenWhy"> {
  const own = ownAddress(client, ip, endpoint);
  if (own === "") return { seenAs: "", hiddenWhy: "" };
  const node = view.get("Node", "", client.node);
  const isNear = endpoint.nodeName === client.node;
  const ofPod = isPod(view, endpoint);
  if (isHost(client))
    return ofPod && !isNear
      ? {
          seenAs: gatewayIn(node, ip),
          hiddenWhy: "a host's own packets come from its gateway, to which answers find the way",
        }
      : { seenAs: own, hiddenWhy: "" };
  if (ip === own) return { seenAs: gatewayIn(node, ip), hiddenWhy: "the pod meets itself" };
  if (!ofPod && !isNear)
    return { seenAs: hostAddress(node, ip), hiddenWhy: "pods leave the cluster's networks under their host's address" };
  return own === client.address || familyOf(own) !== familyOf(client.address)
    ? { seenAs: own, hiddenWhy: "" }
    : { seenAs: own, hiddenWhy: `on network ${networkOf(endpoint, ip)} the client has this address` };
}

/** The client's address of the endpoint's family, on the endpoint's network where it is on that one too. */
function ownAddress({ pod, address }: TracedClient, ip: string, endpoint: Endpoint): string {
  const family = familyOf(ip);
  const network = networkOf(endpoint, ip);
  const there = pod?.status?.networks.find(({ name }) => name === network)?.ip;
  if (there !== undefined && familyOf(there) === family) return there;
  if (familyOf(address) === family) return address;
  return pod?.status?.podIPs.find((each) => familyOf(each.ip) === family)?.ip ?? "";
}

function networkOf(endpoint: Endpoint, ip: string): string {
  return placesOf(endpoint).find(({ address }) => address === ip)?.name ?? DEFAULT_NETWORK;
}

/** False for what has its host's network, and for what is no pod of the cluster. */
function isPod(view: View, { targetRef }: Endpoint): boolean {
  if (targetRef?.kind !== "Pod") return false;
  return view.get("Pod", targetRef.namespace, targetRef.name)?.spec?.hostNetwork !== true;
}

/** True for a host, and for a pod that has its network. */
export function isHost({ pod }: TracedClient): boolean {
  return pod === undefined || pod.spec?.hostNetwork === true;
}

/** The address of a node's gateway, of the family of an address that is led to: hosts send to other nodes' pods from there. Empty when the node has none. */
export function gatewayIn(node: Node | undefined, ip: string): string {
  const family = familyOf(ip);
  const cidr = [node?.spec?.podCIDR ?? "", ...(node?.spec?.podCIDRs ?? [])].find(
    (each) => each !== "" && familyOf(each) === family,
  );
  if (cidr === undefined) return "";
  return family === "IPv4" ? gatewayOf(cidr) : ipv6GatewayOf(cidr);
}

function hostAddress(node: Node | undefined, ip: string): string {
  const own = (node?.status?.addresses ?? []).filter(({ type }) => type === "InternalIP");
  return own.find(({ address }) => familyOf(address) === familyOf(ip))?.address ?? "";
}

/** Strangers that asked the client's node. */
function strangerHidden(view: View, { node: asked }: TracedClient, { endpoint, ip }: TracedWay): string {
  const { nodeName } = endpoint;
  if (nodeName === asked) return "";
  if (!isPod(view, endpoint)) return "it has another host's network: the asked host's address is seen";
  if (networkOf(endpoint, ip) !== DEFAULT_NETWORK)
    return "it is on a network beside the cluster's own: the asked node's gateway is seen";
  const { leadsBack = false, leadsBackIPv6 = false } = view.get("Node", "", nodeName)?.status?.overlay ?? {};
  const family = familyOf(ip);
  if (family === "IPv4" ? leadsBack : leadsBackIPv6) return "";
  const answers = family === "IPv4" ? "answers" : "answers by IPv6";
  return `node ${nodeName} does not lead ${answers} back by the node that was asked (its kernel cannot route by marks, or the cluster is encrypted): the asked node's gateway is seen`;
}
