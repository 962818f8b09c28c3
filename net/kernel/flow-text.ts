import { type Family, familyOf } from "../family.js";
import type { FlowFilter, TrackedFlow } from "./kernel.js";

/** Option of `conntrack -p tcp` for connections that were begun and not answered yet. */
export const UNANSWERED = "--state SYN_SENT";

/** What tells conntrack the family; IPv4 is what it takes by itself. */
export function ofFamily(family: Family): string {
  return family === "IPv6" ? " -f ipv6" : "";
}

/**
 * One `conntrack -D` for a filter. Of connections to an endpoint, whatever its port, those that were translated to it: an endpoint may be a host, to which others connect without any service.
 * By two words, since conntrack 1.4.7 takes any translation of IPv6 for the one that is asked for; and not where the port is told, since a translation of the port alone is none to it.
 */
export function forgetLine(family: Family, flow: FlowFilter): string {
  const isOfWhole = flow.endpoint !== undefined && flow.endpointPort === undefined;
  const words = [
    `conntrack -D${ofFamily(family)} -p ${flow.protocol}`,
    flow.isUnanswered === true ? UNANSWERED : "",
    flow.sentTo === undefined ? "" : `--orig-dst ${flow.sentTo}`,
    flow.sentToPort === undefined ? "" : `--orig-port-dst ${flow.sentToPort}`,
    flow.endpoint === undefined ? "" : `--reply-src ${flow.endpoint}`,
    isOfWhole ? `--dst-nat ${flow.endpoint}` : "",
    flow.endpointPort === undefined ? "" : `--reply-port-src ${flow.endpointPort}`,
  ];
  return words.filter((word) => word !== "").join(" ");
}

/** What a filter looks for in a line of `conntrack -L`: each deletion reads the whole table, so those that match nothing are left out. */
export function traceOf(flow: FlowFilter): string {
  if (flow.isUnanswered === true) return `[UNREPLIED] src=${flow.endpoint ?? ""} `;
  if (flow.endpoint !== undefined) return `src=${flow.endpoint} `;
  if (flow.sentTo !== undefined) return `dst=${flow.sentTo} `;
  return `dport=${flow.sentToPort ?? 0} `;
}

/** A line of `conntrack -L`; undefined for one of another form. Each direction names its addresses, and ports where there are any. */
export function parseFlow(line: string): TrackedFlow | undefined {
  const protocol = /^\S+/.exec(line)?.[0] ?? "";
  const all = (name: string): readonly string[] =>
    [...line.matchAll(new RegExp(` ${name}=(\\S+)`, "g"))].map((match) => match[1] ?? "");
  const [[from, to], [sentTo], [fromPort], [sentToPort, port]] = [
    all("src"),
    all("dst"),
    all("sport"),
    [...all("dport").slice(0, 1), ...all("sport").slice(1, 2)],
  ];
  if (from === undefined || to === undefined || sentTo === undefined) return undefined;
  return {
    protocol,
    from,
    to,
    port: Number(port ?? 0),
    sentTo,
    fromPort: Number(fromPort ?? 0),
    sentToPort: Number(sentToPort ?? 0),
  };
}

/** One `conntrack -D` for a connection. */
export function cutLine({ protocol, from, sentTo, fromPort, sentToPort }: TrackedFlow): string {
  const ports = sentToPort === 0 ? "" : ` --sport ${fromPort} --dport ${sentToPort}`;
  return `conntrack -D${ofFamily(familyOf(from))} -p ${protocol} -s ${from} -d ${sentTo}${ports}`;
}
