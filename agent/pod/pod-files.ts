import { TallshipError } from "../../lib/errors.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";

/** What the cluster says of names. */
export interface ClusterNames {
  readonly dnsAddress: string;
  readonly clusterDomain: string;
  /** The host's own resolv.conf. */
  readonly hostResolvConf: string;
}

/** The pod's hostname: asked for, or its name up to the kernel's 63 bytes. */
export function podHostname(pod: Pod, hostHostname: string): string {
  if (pod.spec?.hostNetwork === true) return hostHostname;
  return (pod.spec?.hostname || pod.metadata?.name || "pod").slice(0, 63).replace(/[-.]+$/, "");
}

/** Its name in the cluster, below a headless service; undefined when it has none. */
function podFqdn({ spec, metadata }: Pod, hostname: string, clusterDomain: string): string | undefined {
  const subdomain = spec?.subdomain ?? "";
  if (subdomain === "" || spec?.hostNetwork === true) return undefined;
  return `${hostname}.${subdomain}.${metadata?.namespace}.svc.${clusterDomain}`;
}

/** What the kernel calls the pod's host: its hostname or, where it asks for that, its name in the cluster, which must fit into 64 bytes. */
export function kernelHostname(pod: Pod, hostname: string, clusterDomain: string): string {
  const fqdn = pod.spec?.setHostnameAsFQDN === true ? podFqdn(pod, hostname, clusterDomain) : undefined;
  if (fqdn !== undefined && Buffer.byteLength(fqdn) > KERNEL_HOSTNAME_BYTES)
    throw new TallshipError("invalid_argument", `hostname ${fqdn}: the kernel takes ${KERNEL_HOSTNAME_BYTES} bytes`);
  return fqdn ?? hostname;
}

const KERNEL_HOSTNAME_BYTES = 64;

/** What a pod calls itself: its hostname and, below a headless service, its name in the cluster before it, so that `hostname -f` knows it. */
function ownNames(pod: Pod, hostname: string, clusterDomain: string): string {
  const fqdn = podFqdn(pod, hostname, clusterDomain);
  return fqdn === undefined ? hostname : `${fqdn}\t${hostname}`;
}

/** Contents of /etc/hosts. */
export function hostsFile(
  pod: Pod,
  {
    addresses,
    hostname,
    clusterDomain,
  }: { readonly addresses: readonly string[]; readonly hostname: string; readonly clusterDomain: string },
): string {
  const aliases = (pod.spec?.hostAliases ?? []).map(({ ip, hostnames }) => `${ip}\t${hostnames.join("\t")}`);
  const lines = [
    "# Made by Tallship.",
    "127.0.0.1\tlocalhost",
    "::1\tlocalhost ip6-localhost ip6-loopback",
    ...addresses.map((address) => `${address}\t${ownNames(pod, hostname, clusterDomain)}`),
  ];
  return `${[...lines, ...aliases].join("\n")}\n`;
}

interface Resolver {
  readonly nameservers: readonly string[];
  readonly searches: readonly string[];
  /** Option by name; an empty value stands for the bare name. */
  readonly options: readonly (readonly [string, string])[];
}

/**
 * Contents of /etc/resolv.conf. ClusterFirst asks the cluster's names first (on the host's network only with ClusterFirstWithHostNet);
 * Default takes the host's; None nothing. dnsConfig is added, and its options win.
 */
export function resolvConf(pod: Pod, names: ClusterNames): string {
  const policy = pod.spec?.dnsPolicy || "ClusterFirst";
  const isOnHost = pod.spec?.hostNetwork === true;
  const base = baseResolver(isOnHost && policy === "ClusterFirst" ? "Default" : policy, pod, names);
  const extra = pod.spec?.dnsConfig;
  const options = new Map([
    ...base.options,
    ...(extra?.options ?? []).map(({ name, value }) => [name, value ?? ""] as const),
  ]);
  const nameservers = [...new Set([...base.nameservers, ...(extra?.nameservers ?? [])])];
  const searches = [...new Set([...base.searches, ...(extra?.searches ?? [])])];
  const optionWords = [...options].map(([name, value]) => (value === "" ? name : `${name}:${value}`));
  return [
    ...nameservers.map((server) => `nameserver ${server}\n`),
    searches.length === 0 ? "" : `search ${searches.join(" ")}\n`,
    optionWords.length === 0 ? "" : `options ${optionWords.join(" ")}\n`,
  ].join("");
}

function baseResolver(policy: string, pod: Pod, { dnsAddress, clusterDomain, hostResolvConf }: ClusterNames): Resolver {
  const host = parseResolvConf(hostResolvConf);
  if (policy === "None") return { nameservers: [], searches: [], options: [] };
  if (policy === "Default") return host;
  const namespace = pod.metadata?.namespace || "default";
  const searches = [`${namespace}.svc.${clusterDomain}`, `svc.${clusterDomain}`, clusterDomain, ...host.searches];
  return { nameservers: [dnsAddress], searches, options: [["ndots", "5"]] };
}

function parseResolvConf(text: string): Resolver {
  const lines = text.split("\n").map((line) => line.trim().split(/\s+/));
  const options = lines.filter(([word]) => word === "options").flatMap(([, ...words]) => words);
  return {
    nameservers: lines.flatMap(([word, address]) => (word === "nameserver" && address !== undefined ? [address] : [])),
    searches: lines.findLast(([word]) => word === "search" || word === "domain")?.slice(1) ?? [],
    options: options.map((option) => {
      const [name = "", value = ""] = option.split(":");
      return [name, value] as const;
    }),
  };
}
