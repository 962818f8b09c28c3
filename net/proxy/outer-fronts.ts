import type { Service } from "../../proto/gen/tallship/v1/service.js";
import { asWritten, familyOf } from "../family.js";
import { announcedAddresses } from "./announced.js";

/** One address and port to which strangers send. */
export interface OuterFront {
  /** Place of the address in spec.externalIPs; -1: it is an announced one. */
  readonly at: number;
  /** As the kernel writes it. */
  readonly ip: string;
  readonly port: number;
  /** 192.0.2.1:80/TCP */
  readonly text: string;
}

/** The external addresses of a service with its ports. Services without an address of their own lead nobody anywhere. */
export function externalFronts(service: Service | undefined): readonly OuterFront[] {
  const { spec } = service ?? {};
  if (spec === undefined || spec.type === "ExternalName" || spec.clusterIP === "None") return [];
  return spec.externalIPs.flatMap((ip, at) => frontsAt(ip, at, service));
}

/** The announced addresses of a service with its ports. */
export function announcedFronts(service: Service): readonly OuterFront[] {
  const all = FAMILIES.flatMap((family) => announcedAddresses(service, family));
  return all.flatMap((ip) => frontsAt(ip, -1, service));
}

const FAMILIES = ["IPv4", "IPv6"] as const;

function frontsAt(address: string, at: number, service: Service | undefined): readonly OuterFront[] {
  const ip = asWritten(address);
  const host = familyOf(ip) === "IPv6" ? `[${ip}]` : ip;
  return (service?.spec?.ports ?? []).map(({ port, protocol }) => {
    return { at, ip, port, text: `${host}:${port}/${protocol || "TCP"}` };
  });
}
