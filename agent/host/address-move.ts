import { limit } from "../../lib/limits.js";

/** What is seen of the host's address at one look. */
export interface AddressGround {
  /** Address that other hosts know this one by. */
  readonly known: string;
  /** Addresses that the host has. */
  readonly present: readonly string[];
  /** The one from which the host reaches a control plane; undefined when none is reached. */
  readonly towards: string | undefined;
  /** It has come since the known one was last seen together with all that the host had. */
  readonly isNew: boolean;
  /** How long the known one has been away, milliseconds. */
  readonly goneMs: number;
  readonly isControlPlane: boolean;
}

/** What to do about the address: go on, wait, or be another one from now on. */
export type AddressMove =
  | { readonly is: "here" }
  | { readonly is: "awaited"; readonly why: string }
  | { readonly is: "moved"; readonly to: string };

/**
 * A host whose address is gone is the one that it reaches the control plane from, once the old one has been away for limits.addressGoneMs: a device that is
 * made anew has it back by then. An address that the host did not have beside its own has taken that one's place: it counts after limits.addressNewMs. A control plane does not move: others, and its
 * etcd, know it by its address, until somebody says `tallshipd readdress`. Pure.
 */
export function addressMove({ known, present, towards, isNew, goneMs, isControlPlane }: AddressGround): AddressMove {
  if (present.includes(known)) return { is: "here" };
  if (isControlPlane)
    return {
      is: "awaited",
      why: "others know this control plane by it: give it back to the host, or run tallshipd readdress",
    };
  if (towards === undefined || !present.includes(towards))
    return { is: "awaited", why: "no other address reaches a control plane" };
  if (goneMs < limit(isNew ? "addressNewMs" : "addressGoneMs")) return { is: "awaited", why: "it may come back" };
  return { is: "moved", to: towards };
}
