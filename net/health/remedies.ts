import { limit } from "../../lib/limits.js";
import type { Fault } from "./diagnose.js";
import type { PodWay } from "./peer-view.js";

/** What a node does about faults of its network. All of it is undone by asking for nothing. */
export interface Remedies {
  /** Bytes of the largest IP packet that passes to a peer's host, by the peer's gateway; without an entry as many as the link takes. Routes to its pods are held to what that is on each way. */
  readonly pathMtus: ReadonlyMap<string, number>;
  /** Devices of VXLAN leave no checksum to the network card. */
  readonly isTxChecksumOff: boolean;
}

/** Nothing is done. */
export const NO_REMEDIES: Remedies = { pathMtus: new Map(), isTxChecksumOff: false };

/** What is known of one peer, as far as remedies are concerned. */
export interface Ailing {
  readonly gateway: string;
  /** What pods' packets go to it by. */
  readonly way: PodWay;
  readonly fault: Fault | undefined;
  /** Bytes of the largest IP packet that passes to its host; undefined: not known. */
  readonly pathMtu: number | undefined;
  /** Full packets were seen to pass lately. */
  readonly isFullPassing: boolean;
}

/**
 * The remedies from now on. A path's MTU lasts until full packets are seen to pass; checksums stay with the devices once they were found wrong, since the fault cannot
 * be seen any more. What is wrong with them on other ways than through the overlay is none of its devices' doing, and the host's own are its owner's. Where remedies are not allowed there are none.
 */
export function remediesAfter(before: Remedies, peers: readonly Ailing[], isAllowed: boolean): Remedies {
  if (!isAllowed) return NO_REMEDIES;
  const pathMtus = new Map(
    peers.flatMap(({ gateway, fault, pathMtu, isFullPassing }): readonly (readonly [string, number])[] => {
      const held = before.pathMtus.get(gateway);
      const isAtFault = fault?.kind === "MtuBlackHole";
      const bytes = isAtFault ? (pathMtu ?? held) : isFullPassing ? undefined : held;
      return bytes === undefined || bytes < limit("remedyLeastMtu") ? [] : [[gateway, bytes]];
    }),
  );
  const isTxChecksumOff =
    before.isTxChecksumOff ||
    peers.some(({ fault, way }) => way === "overlay" && fault?.kind === "ChecksumOffload" && fault.direction === "to");
  return { pathMtus, isTxChecksumOff };
}

/** Whether both are the same. */
export function isSameRemedies(one: Remedies, other: Remedies): boolean {
  return (
    one.isTxChecksumOff === other.isTxChecksumOff &&
    one.pathMtus.size === other.pathMtus.size &&
    [...one.pathMtus].every(([gateway, mtu]) => other.pathMtus.get(gateway) === mtu)
  );
}
