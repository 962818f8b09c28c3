import type { Service } from "../../proto/gen/tallship/v1/service.js";
import { parseAddress } from "../ipv4.js";

/** The addresses that are announced for a service; those that somebody else leads to the nodes himself are not among them. */
export function announcedAddresses({ spec, status }: Service): readonly string[] {
  if (spec?.type !== "LoadBalancer") return [];
  const given = (status?.loadBalancer?.ingress ?? []).filter(({ ipMode }) => ipMode !== "Proxy").map(({ ip }) => ip);
  return [...new Set(given)].filter((ip) => parseAddress(ip) !== undefined);
}

/** The addresses that a node answers for on its link, sorted. */
export function addressesAnnouncedBy(nodeName: string, services: Iterable<Service>): readonly string[] {
  const found = new Set<string>();
  for (const service of services)
    if (service.status?.announcedBy === nodeName) for (const ip of announcedAddresses(service)) found.add(ip);
  return [...found].sort();
}
