import type { Service } from "../../proto/gen/tallship/v1/service.js";
import { type Family, isAddress } from "../family.js";

/** The addresses of a family that are announced for a service; those that somebody else leads to the nodes himself are not among them. */
export function announcedAddresses({ spec, status }: Service, family: Family = "IPv4"): readonly string[] {
  if (spec?.type !== "LoadBalancer") return [];
  const given = (status?.loadBalancer?.ingress ?? []).filter(({ ipMode }) => ipMode !== "Proxy").map(({ ip }) => ip);
  return [...new Set(given)].filter((ip) => isAddress(family, ip));
}

/** The addresses of these families that a node answers for on its link, sorted. */
export function addressesAnnouncedBy(
  nodeName: string,
  families: readonly Family[],
  services: Iterable<Service>,
): readonly string[] {
  const found = new Set<string>();
  for (const service of services) {
    if (service.status?.announcedBy !== nodeName) continue;
    for (const ip of families.flatMap((family) => announcedAddresses(service, family))) found.add(ip);
  }
  return [...found].sort();
}
