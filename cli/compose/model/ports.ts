import type { Turned } from "./reader.js";

/** One port of a service as the short and the long form both say it. */
export interface PublishedPort {
  readonly name: string;
  /** Port of the container. */
  readonly target: number;
  /** Port asked for on the host; undefined: any. */
  readonly published: number | undefined;
  readonly protocol: "TCP" | "UDP" | "SCTP";
  /** Address asked for on the host; empty: all. */
  readonly hostIP: string;
  readonly mode: "ingress" | "host";
  readonly appProtocol: string;
}

const PROTOCOLS: Readonly<Record<string, PublishedPort["protocol"]>> = { tcp: "TCP", udp: "UDP", sctp: "SCTP" };

/** The protocol of that name, in any case. */
export function protocolOf(name: string): PublishedPort["protocol"] | undefined {
  return Object.hasOwn(PROTOCOLS, name.toLowerCase()) ? PROTOCOLS[name.toLowerCase()] : undefined;
}

/** Reads `[[IP:]HOST:]CONTAINER[/PROTOCOL]` with ranges; a sentence when it has another form. */
export function parsePort(text: string): Turned<readonly PublishedPort[]> {
  const match = /^(?:(?:(\[[^\]]+\]|[^:/[\]]*):)?([\d-]*):)?([\d-]+)(?:\/([a-zA-Z]+))?$/.exec(text);
  const [, hostIP = "", host = "", container = "", protocolName = "tcp"] = match ?? [];
  const protocol = protocolOf(protocolName);
  const targets = parseRange(container);
  const hosts = host === "" ? [] : parseRange(host);
  if (match === null || targets === undefined || hosts === undefined)
    return { wrong: `want [[IP:]PORT:]PORT[/tcp|udp|sctp], found ${JSON.stringify(text)}` };
  if (protocol === undefined) return { wrong: `want tcp, udp or sctp, found ${JSON.stringify(protocolName)}` };
  const isPicked = targets.length === 1 && hosts.length > 1;
  if (hosts.length > 0 && !isPicked && hosts.length !== targets.length)
    return { wrong: `the ranges ${host} and ${container} are not of one length` };
  const base = {
    name: "",
    protocol,
    hostIP: hostIP.replace(/^\[|\]$/g, ""),
    mode: "ingress",
    appProtocol: "",
  } as const;
  return { value: targets.map((target, at) => ({ ...base, target, published: hosts[at] })) };
}

/** A port, or the ports of a range such as 8000-8005. */
export function parseRange(text: string): readonly number[] | undefined {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  if (match === null) return undefined;
  const [first, last] = [Number(match[1]), Number(match[2] ?? match[1])];
  if (first < 1 || last > 65_535 || last < first || last - first >= MOST_PORTS) return undefined;
  return Array.from({ length: last - first + 1 }, (_, at) => first + at);
}

/** Ports of one range: more than a service can have. */
const MOST_PORTS = 256;
