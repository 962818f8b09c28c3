import { limit } from "../../lib/limits.js";
import type { Fault } from "./diagnose.js";

/** What a node does about faults of its network. All of it is undone by asking for nothing. */
export interface Remedies {
  /** Bytes of the largest packet that pods may send to a peer's pods, by the peer's gateway; without an entry the device's MTU. */
  readonly routeMtus: ReadonlyMap<string, number>;
  /** The overlay's device leaves no checksum to the network card. */
  readonly isTxChecksumOff: boolean;
}

/** Nothing is done. */
export const NO_REMEDIES: Remedies = { routeMtus: new Map(), isTxChecksumOff: false };

/** What is known of one peer, as far as remedies are concerned. */
export interface Ailing {
  readonly gateway: string;
  readonly fault: Fault | undefined;
  /** Bytes of the largest packet of pods that passes; undefined: not known. */
  readonly passingBytes: number | undefined;
  /** Full packets of pods were seen to pass lately. */
  readonly isFullPassing: boolean;
}

/**
 * The remedies from now on. A route's MTU lasts until full packets are seen to pass; checksums stay with the host once they were found wrong, since the fault cannot
 * be seen any more. Where remedies are not allowed there are none.
 */
export function remediesAfter(before: Remedies, peers: readonly Ailing[], isAllowed: boolean): Remedies {
  if (!isAllowed) return NO_REMEDIES;
  const routeMtus = new Map(
    peers.flatMap(({ gateway, fault, passingBytes, isFullPassing }): readonly (readonly [string, number])[] => {
      const held = before.routeMtus.get(gateway);
      const isAtFault = fault?.kind === "MtuBlackHole";
      const bytes = isAtFault ? (passingBytes ?? held) : isFullPassing ? undefined : held;
      return bytes === undefined || bytes < limit("remedyLeastMtu") ? [] : [[gateway, bytes]];
    }),
  );
  const isTxChecksumOff =
    before.isTxChecksumOff || peers.some(({ fault }) => fault?.kind === "ChecksumOffload" && fault.direction === "to");
  return { routeMtus, isTxChecksumOff };
}

/** Whether both are the same. */
export function isSameRemedies(one: Remedies, other: Remedies): boolean {
  return (
    one.isTxChecksumOff === other.isTxChecksumOff &&
    one.routeMtus.size === other.routeMtus.size &&
    [...one.routeMtus].every(([gateway, mtu]) => other.routeMtus.get(gateway) === mtu)
  );
}

/** What is done for one peer, in a few words; empty: nothing. */
export function remedyText(remedies: Remedies, gateway: string): string {
  const mtu = remedies.routeMtus.get(gateway);
  return [
    ...(mtu === undefined ? [] : [`route MTU ${mtu}`]),
    ...(remedies.isTxChecksumOff ? ["tx checksum off"] : []),
  ].join(", ");
}
