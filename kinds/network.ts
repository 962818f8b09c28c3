import { ipBytes } from "../lib/pki/ip-bytes.js";
import type { NetworkSpec } from "../proto/gen/tallship/v1/network.js";
import type { Pod, PodNetwork } from "../proto/gen/tallship/v1/pod.js";
import { formatError } from "./formats.js";
import { isIpv4, isIpv6 } from "./ip.js";

/** What of a pod's, or a template's, metadata says its networks. */
export interface NetworksMeta {
  readonly namespace?: string;
  readonly annotations: Readonly<Record<string, string>>;
}

/** Annotation of a pod: the networks that it is on, apart by commas. The first has the pod's address, by which services lead to it. */
export const NETWORKS = "tallship.dev/networks";

/** As in clusters with Multus: networks beside the cluster's own, which stays the first. */
export const FURTHER_NETWORKS = "k8s.v1.cni.cncf.io/networks";

/** What the cluster's own pod network is called in those lists. */
export const DEFAULT_NETWORK = "default";

/** Keeps a network until no pod is on it. */
export const NETWORK_PROTECTION = "tallship.dev/network-protection";

/** Alone in the list: the pod is on no network, and has its loopback only. */
export const NO_NETWORK = "none";

/** Names that no Network can have, since they mean something where networks are listed. */
export const RESERVED_NETWORKS: readonly string[] = [DEFAULT_NETWORK, NO_NETWORK, "host"];

/** Most networks that one pod can be on. */
export const POD_NETWORKS_MOST = 8;

/** The networks of a pod in their order: names in its namespace, or DEFAULT_NETWORK. Empty: none at all. Pods on their host's network are on the cluster's own for all that is asked here. */
export function networksOf(metadata: NetworksMeta | undefined): readonly string[] {
  const { annotations = {}, namespace = "" } = metadata ?? {};
  const own = annotations[NETWORKS];
  if (own !== undefined) {
    const names = namesIn(own);
    return names.length === 1 && names[0] === NO_NETWORK ? [] : names;
  }
  const further = annotations[FURTHER_NETWORKS];
  return [DEFAULT_NETWORK, ...(further === undefined ? [] : furtherNames(further, namespace))];
}

/** True for a pod that is on the cluster's own network and no other. */
export function isPlain({ metadata }: Pod): boolean {
  const names = networksOf(metadata);
  return names.length === 1 && names[0] === DEFAULT_NETWORK;
}

/** The Network objects that the pod is on, by name. */
export function joinedNetworks(pod: Pod): readonly string[] {
  if (pod.spec?.hostNetwork === true) return [];
  return networksOf(pod.metadata).filter((name) => name !== DEFAULT_NETWORK);
}

/** Every address that a pod has, of whatever family and on whatever network, the first first. */
export function addressesOfPod({ status }: Pod): readonly string[] {
  const { podIP = "", podIPs = [], networks = [] } = status ?? {};
  return distinct([podIP, ...podIPs.map(({ ip }) => ip), ...networks.flatMap(addressesThere)]);
}

/** A pod's addresses on one of its networks, the first first. */
export function addressesThere({ ip, ips }: Pick<PodNetwork, "ip" | "ips">): readonly string[] {
  return distinct([ip, ...ips]);
}

function distinct(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)].filter((text) => text !== "");
}

/** What is wrong with the annotation that names a pod's networks, by its key; undefined when nothing is. */
export function networksError(
  metadata: NetworksMeta | undefined,
  isOnHost: boolean,
): { readonly annotation: string; readonly message: string } | undefined {
  const annotation = [NETWORKS, FURTHER_NETWORKS].find((name) => metadata?.annotations[name] !== undefined);
  if (annotation === undefined) return undefined;
  const message = isOnHost ? "a pod on its host's network joins no other" : namesError(metadata);
  return message === undefined ? undefined : { annotation, message };
}

function namesError(metadata: NetworksMeta | undefined): string | undefined {
  const names = networksOf(metadata);
  const isAbsent = names.length === 0 && metadata?.annotations[NETWORKS]?.trim() !== NO_NETWORK;
  if (isAbsent) return `want names of networks, ${DEFAULT_NETWORK}, or ${NO_NETWORK}`;
  if (names.length > POD_NETWORKS_MOST) return `want at most ${POD_NETWORKS_MOST} networks, found ${names.length}`;
  const twin = names.find((name, at) => names.indexOf(name) !== at);
  if (twin !== undefined) return `${twin} stands twice`;
  if (names.includes(NO_NETWORK)) return `${NO_NETWORK} stands alone`;
  const malformed = names.find((name) => formatError("dnsLabel", name) !== undefined);
  if (malformed === undefined) return undefined;
  return `want names of networks of the pod's own namespace, found ${JSON.stringify(malformed)}`;
}

function namesIn(text: string): readonly string[] {
  return text
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
}

/** Multus' forms: names, or a JSON list of objects. The pod's own namespace may be said; another makes a name that nothing has. A template has none yet. */
function furtherNames(text: string, namespace: string): readonly string[] {
  const names = text.trim().startsWith("[") ? listedNames(text) : namesIn(text);
  return names.map((name) => {
    const [home = "", rest, ...more] = name.split("/");
    return rest !== undefined && more.length === 0 && (namespace === "" || home === namespace) ? rest : name;
  });
}

function listedNames(text: string): readonly string[] {
  const listed = parsedList(text);
  if (listed === undefined) return [text];
  return listed.map((each) => {
    // A parser: what JSON calls an object is a record of unknown values.
    const { name, namespace } = (typeof each === "object" && each !== null ? each : {}) as Record<string, unknown>;
    return typeof namespace === "string" ? `${namespace}/${String(name)}` : String(name);
  });
}

function parsedList(text: string): readonly unknown[] | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    return Array.isArray(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/** True when the network's packets have an identifier of their own on the wire. */
export function hasVni({ driver, encrypted }: Pick<NetworkSpec, "driver" | "encrypted">): boolean {
  return driver !== "bridge" && !encrypted;
}

/** Prefix length of a node's share of the network. */
export function slicePrefixLength({ subnet, nodePrefixLength }: NetworkSpec): number {
  const length = Number(subnet.split("/")[1] ?? 0);
  return nodePrefixLength ?? length + Math.min(8, Math.floor((32 - length) / 2));
}

/** The ranges of a network, that of IPv4 first. */
export function subnetsOf({ subnet, subnets }: Pick<NetworkSpec, "subnet" | "subnets">): readonly string[] {
  return distinct([subnet, ...subnets]);
}

/** The range of IPv6 that a network has; undefined: none. */
export function ipv6SubnetOf({ subnets }: Pick<NetworkSpec, "subnets">): string | undefined {
  return subnets.find((subnet) => subnet.includes(":"));
}

/** Why a range of IPv6 cannot be a network's; undefined when it can. */
export function ipv6SubnetError(subnet: string): string | undefined {
  const [address = "", bits = ""] = subnet.split("/");
  const bytes = isIpv6(address) ? ipBytes(address) : undefined;
  const length = Number(bits);
  const first = bytes?.[0] ?? 0;
  if (bytes === undefined || length < 32 || length > 96) return "want an IPv6 range of /32 to /96";
  if ((first & 0xe0) !== 0x20 && (first & 0xfe) !== 0xfc) return "want a range of 2000::/3 or fc00::/7";
  const rest = BigInt(`0x${bytes.toString("hex")}`) & ((1n << BigInt(128 - length)) - 1n);
  return rest === 0n ? undefined : "want the range's first address, host bits are set";
}

/** Why a range of IPv4 cannot be a network's; undefined when it can. */
export function subnetError(subnet: string): string | undefined {
  const [address = "", bits = ""] = subnet.split("/");
  const length = Number(bits);
  if (!isIpv4(address) || length < 8 || length > 28) return "want an IPv4 range of /8 to /28";
  const value = address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
  return value % 2 ** (32 - length) === 0 ? undefined : `want the range's first address, host bits are set`;
}
