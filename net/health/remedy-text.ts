import { bytesWithin } from "../overlay/route-mtu.js";
import type { Ailing, Remedies } from "./remedies.js";

/** What is done for one peer, in a few words; empty: nothing. */
export function remedyText(remedies: Remedies, { gateway, way }: Pick<Ailing, "gateway" | "way">): string {
  const mtu = remedies.pathMtus.get(gateway);
  return [
    ...(mtu === undefined ? [] : [`route MTU ${bytesWithin(way, mtu)}`]),
    ...(remedies.isTxChecksumOff && way === "overlay" ? ["tx checksum off"] : []),
  ].join(", ");
}
